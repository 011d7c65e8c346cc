/** What a Junos device shows beside configuration: which of its parts is speaking, where it is edited, that there is more. */
const banner = /^(?:\{[a-z-]+(?::(?:node)?[0-9]+)?\})?(?:\[edit[^\]\n]*\])?[ \t]*\r?$/gm;
const pager = /^---\(more.*$/gm;
/** USER@HOST and a sign, with the command; one that configures is kept. */
const prompt = /^[\w.-]+@[\w.:-]+[>#%][ \t]*(?:(?=(?:set|delete|activate|deactivate)[ \t])|.*$)/gm;

/** A paste from a terminal without its prompts and banners. Every line keeps its number. */
export function withoutTerminal(text: string): string {
  return [banner, pager, prompt].reduce((rest, pattern) => rest.replace(pattern, ''), text);
}
