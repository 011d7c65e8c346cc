import { InvalidArgumentError } from 'commander';

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

type Unit = keyof typeof unitSeconds;

const isUnit = (text: string): text is Unit => Object.hasOwn(unitSeconds, text);

/** Seconds, from an argument such as 30s, 5m, 2h or 7d. @param most seconds */
export function secondsArgument(most: number): (text: string) => number {
  return (text) => {
    const [, digits = '', unit = ''] = /^(\d{1,12})([a-z])$/.exec(text) ?? [];
    const seconds = isUnit(unit) ? Number(digits) * unitSeconds[unit] : 0;
    if (seconds < 1 || seconds > most)
      throw new InvalidArgumentError('It must be a time such as 30s, 5m, 2h or 7d.');
    return seconds;
  };
}

/** A time for people, in its two largest units: `45s`, `5m 3s`, `2h 0m`, `7d 4h`. @param seconds whole */
export function durationText(seconds: number): string {
  const part = (unit: Unit, of: number) => `${Math.floor(of / unitSeconds[unit])}${unit}`;
  if (seconds < 60) return part('s', seconds);
  if (seconds < 3600) return `${part('m', seconds)} ${part('s', seconds % 60)}`;
  if (seconds < 86_400) return `${part('h', seconds)} ${part('m', seconds % 3600)}`;
  return `${part('d', seconds)} ${part('h', seconds % 86_400)}`;
}
