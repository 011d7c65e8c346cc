import { members } from '@callhome/shared/config/configuration.js';
import { type Fields, isFields, type Node, nodeOf, type Shape } from '@callhome/shared/config/yang/node.js';
import type { Json, SchemaPath } from './documents.js';

/** A place in a document where something can be changed. */
export interface Spot {
  readonly holder: Json | unknown[];
  readonly at: string | number;
  readonly isMember: boolean;
  readonly path: SchemaPath;
}

export function spotsOf(value: unknown, path: SchemaPath = [], spots: Spot[] = []): Spot[] {
  if (Array.isArray(value)) {
    for (const [at, entry] of value.entries()) {
      spots.push({ holder: value, at, isMember: false, path });
      spotsOf(entry, path, spots);
    }
  } else if (isFields(value)) {
    for (const [at, entry] of Object.entries(value)) {
      const here = [...path, at];
      spots.push({ holder: value as Json, at, isMember: true, path: here });
      spotsOf(entry, here, spots);
    }
  }
  return spots;
}

export function valueAt({ holder, at }: Spot): unknown {
  return Reflect.get(holder, at);
}

export function nodeAt(path: SchemaPath): Node | undefined {
  let shape: Shape = members;
  let node: Node | undefined;
  for (const name of path) {
    const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
    node = schema && nodeOf(schema);
    shape = node && 'shape' in node ? node.shape : {};
  }
  return node;
}

/** The documents that come of leaving one part out, the large parts first. */
export function* smaller(document: Fields): Generator<Fields> {
  const size = (spot: Spot) => JSON.stringify(Reflect.get(spot.holder, spot.at) ?? null).length;
  const count = spotsOf(document).length;
  const order = spotsOf(document)
    .map((spot, index) => ({ index, size: size(spot) }))
    .sort((one, other) => other.size - one.size);
  for (const { index } of order) {
    const copy: Json = structuredClone({ ...document });
    const spots = spotsOf(copy);
    if (spots.length !== count) throw new Error('a copy differs');
    const spot = spots[index];
    if (!spot) continue;
    if (Array.isArray(spot.holder)) spot.holder.splice(Number(spot.at), 1);
    else delete spot.holder[spot.at];
    yield copy;
  }
}
