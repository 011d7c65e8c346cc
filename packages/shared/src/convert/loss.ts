/** A finding of a conversion: what it cannot carry over, or carries over otherwise than it was. */
export interface Loss {
  /** Of the text that was read, from 1. */
  readonly line?: number | undefined;
  /** Of the element that was read, or the instance path of the model's node. */
  readonly path?: string | undefined;
  /** Holds no secret. */
  readonly text: string;
}

/** With more, it was not worth converting. */
const maxLines = 1000;

/** A line for each loss, with its place; of very many the first thousand, and how many there are besides. */
export function lossLines(file: string, losses: readonly Loss[]): string[] {
  const lines = losses.slice(0, maxLines).map(({ line, path, text }) => {
    const place = line === undefined ? path : `line ${line}`;
    return `${file}: ${place === undefined ? '' : `${place}: `}${text}`;
  });
  const more = losses.length - lines.length;
  return more > 0 ? [...lines, `${file}: and ${more} more`] : lines;
}
