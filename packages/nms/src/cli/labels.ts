import { InvalidArgumentError } from 'commander';

export type Labels = Readonly<Record<string, string>>;

/** Reads one more label, NAME=VALUE. @throws InvalidArgumentError */
export function addLabel(text: string, labels: Labels = {}): Labels {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...labels, [name]: value };
}
