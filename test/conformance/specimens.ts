import { members } from '@callhome/shared/config/configuration.js';
import { splitName } from '@callhome/shared/config/yang/modules.js';
import { type Fields, isFields } from '@callhome/shared/config/yang/node.js';
import { visit } from '@callhome/shared/config/yang/visit.js';
import fc from 'fast-check';
import {
  contentOf,
  type Draw,
  type Json,
  meantToBeValid,
  type SchemaPath,
  schemaPaths,
  starts,
} from './documents.js';
import { edgesOf, identitiesBeside, modules, oddMembers, oddValue } from './odd-values.js';
import { nodeAt, type Spot, spotsOf, valueAt } from './spots.js';

/** A text with one character more, less or other. */
function edited(text: string, draw: Draw): string {
  const characters = [...text];
  const position = draw(fc.nat({ max: characters.length }));
  const fresh = [...draw(fc.constantFrom('', '', ...'a0Gz.:-_%@/+=$ \n\té٣'))];
  characters.splice(position, draw(fc.constantFrom(0, 1, 1)), ...fresh);
  return characters.join('');
}

/** What one change of a document starts from. */
interface Change {
  readonly draw: Draw;
  /** Where it may be made: near the target, or anywhere. */
  readonly spots: readonly Spot[];
}

/** One of the spots that a change can be made at. */
function pick({ draw, spots }: Change, fits: (spot: Spot) => boolean = () => true): Spot | undefined {
  const fitting = spots.filter(fits);
  return fitting.length > 0 ? draw(fc.constantFrom(...fitting)) : undefined;
}

function isLeaf(spot: Spot): boolean {
  return typeof valueAt(spot) !== 'object';
}

const mutations: Readonly<Record<string, (change: Change) => void>> = {
  dropped(change) {
    const spot = pick(change);
    if (!spot) return;
    if (Array.isArray(spot.holder)) spot.holder.splice(Number(spot.at), 1);
    else delete spot.holder[spot.at];
  },
  added(change) {
    const spot = pick(change, (spot) => isFields(valueAt(spot)));
    const { draw } = change;
    const name = draw(fc.constantFrom(...oddMembers));
    if (spot) Reflect.set(valueAt(spot) as Json, name, oddValue(draw));
  },
  /** What the schema has there, and was not chosen or left out. */
  'added sibling'(change) {
    const { draw } = change;
    const spot = pick(change, ({ isMember }) => isMember);
    const parent = spot && nodeAt(spot.path.slice(0, -1));
    if (!spot || !parent || !('shape' in parent)) return;
    const name = draw(fc.constantFrom(...Object.keys(parent.shape)));
    const path = [...spot.path.slice(0, -1), name];
    const node = nodeAt(path);
    if (node && node.kind !== 'absent') Reflect.set(spot.holder, name, contentOf(node, path, [], draw));
  },
  changed(change) {
    const spot = pick(change);
    if (spot) Reflect.set(spot.holder, spot.at, oddValue(change.draw));
  },
  'changed leaf'(change) {
    const spot = pick(change, isLeaf);
    if (spot) Reflect.set(spot.holder, spot.at, oddValue(change.draw));
  },
  'at the edge'(change) {
    const { draw } = change;
    const spot = pick(change, (spot) => isLeaf(spot) && 'type' in (nodeAt(spot.path) ?? {}));
    const node = spot && nodeAt(spot.path);
    if (!node || !('type' in node)) return;
    const { range } = node.type;
    const values = range ? [range[0] - 1, range[1] + 1, String(range[0])] : edgesOf(node.type);
    Reflect.set(spot.holder, spot.at, draw(fc.constantFrom(...values)));
  },
  edited(change) {
    const spot = pick(change, (spot) => typeof valueAt(spot) === 'string');
    if (spot) Reflect.set(spot.holder, spot.at, edited(String(valueAt(spot)), change.draw));
  },
  duplicated(change) {
    const spot = pick(change, ({ isMember }) => !isMember);
    if (spot && Array.isArray(spot.holder)) spot.holder.push(structuredClone(valueAt(spot)));
  },
  dangling(change) {
    const { draw } = change;
    const spot = pick(change, ({ at }) => /-reference$|^asymmetric-key$|^certificate$/.test(String(at)));
    if (spot)
      Reflect.set(spot.holder, spot.at, draw(fc.constantFrom('nowhere', 'one', 'two', 'key 0', 'key 1', '')));
  },
  'another case'(change) {
    const { draw } = change;
    const spot = pick(change, ({ path, isMember }) => isMember && nodeAt(path)?.choice !== undefined);
    const cases = spot && nodeAt(spot.path)?.choice?.cases;
    const odd = draw(fc.constantFrom({}, 'one', [null], { 'public-key': [] }));
    if (cases) Reflect.set(spot.holder, draw(fc.constantFrom(...cases)), odd);
  },
  'another module'(change) {
    const { draw } = change;
    const spot = pick(change, ({ isMember }) => isMember);
    if (!spot) return;
    const { name } = splitName(String(spot.at));
    const value = valueAt(spot);
    Reflect.deleteProperty(spot.holder, spot.at);
    Reflect.set(spot.holder, `${draw(fc.constantFrom(...modules))}:${name}`, value);
  },
};

function mutate(document: Json, target: SchemaPath, draw: Draw): void {
  const name = draw(fc.constantFrom(...Object.keys(mutations)));
  const all = spotsOf(document);
  // the target, what is beside it and in that, and what all of that is in
  const parent = target.slice(0, -1);
  const close = all.filter(({ path }) => starts(path, parent));
  const spots = close.length > 0 && draw(fc.boolean()) ? close : all;
  mutations[name]?.({ draw, spots });
}

export interface Specimen {
  readonly document: Fields;
  /** Whether nothing was done to it that was meant to make it invalid. */
  readonly unchanged: boolean;
}

/** Documents over the whole schema: some meant to be valid, the others changed. @param target what each has in it, at first */
export function specimens(target: SchemaPath): fc.Arbitrary<Specimen> {
  return fc.gen().map((generate) => {
    const draw: Draw = (arbitrary) => generate(() => arbitrary);
    const document = meantToBeValid(target, draw);
    const changes = draw(fc.constantFrom(0, 0, 0, 1, 1, 2));
    for (let done = 0; done < changes; done++) mutate(document, target, draw);
    return { document, unchanged: changes === 0 };
  });
}

/** A change that every long run makes to a document that is valid but for it. */
export interface Trial {
  /** What the document has in it. */
  readonly path: SchemaPath;
  /** The name of what is changed: the last of the path, or one beside it. */
  readonly member: string;
  /** Its new value; undefined where it is taken out. */
  readonly value: unknown;
}

/** How a number may be written in XML, and may not. */
const numerals = ['5', '', ' ', '+5', '-0', '-5', '05', ' 5\n', '5 5', '5.0', '0x5', '1e1', '٣'];

/** Lists of names as long as this are not tried one by one. */
const many = 12;

/**
 * Every node that can be left out is left out, every case has another one beside it, and every leaf is at the edges of
 * its range and has each of its names; the edges of all other types are tried once.
 */
export function trials(): Trial[] {
  const types = new Set<string>();
  return schemaPaths(() => true).flatMap((path) => {
    const node = nodeAt(path);
    const member = path.at(-1) ?? '';
    const beside = (node?.choice?.cases ?? []).filter((other) => other !== member);
    const others = beside.map((other) => ({ path, member: other, value: {} }));
    const values: unknown[] = [undefined];
    if (node && 'type' in node) {
      const { name, range, names: all = [] } = node.type;
      const type = `${name} ${node.type.values}`;
      if (range) values.push(range[0] - 1, range[1] + 1, ...(types.has(type) ? [] : numerals));
      else if (node.type.encoding === 'identityref') values.push(...identitiesBeside(all));
      else if (node.type.encoding === 'empty') values.push(null, [], [0], [null, null], '');
      else if (all.length < many) values.push(...all);
      if (node.facts.leafref) values.push('nowhere', 'one', 'key 0', 'key 1');
      else if (node.type.encoding === 'text' && !types.has(type)) values.push(...edgesOf(node.type));
      types.add(type);
    }
    return [...others, ...values.map((value) => ({ path, member, value }))];
  });
}

/** Documents with a trial in them. */
export function tried({ path, member, value }: Trial): fc.Arbitrary<Specimen> {
  return fc.gen().map((generate) => {
    const document = meantToBeValid(path, (arbitrary) => generate(() => arbitrary));
    const spot = spotsOf(document).find((spot) => spot.isMember && spot.path.join() === path.join());
    if (spot && value === undefined) Reflect.deleteProperty(spot.holder, member);
    else if (spot) Reflect.set(spot.holder, member, nodeAt(path)?.kind === 'leaf-list' ? [value] : value);
    return { document, unchanged: false };
  });
}

/** The schema's leaves and cases that are in a document. */
export function pathsIn(document: Fields): string[] {
  const paths: string[] = [];
  visit(members, document, ({ value, parent, steps }) => {
    const path = steps().filter((step) => typeof step === 'string');
    if (Object.values(parent).includes(value) || typeof steps().at(-1) === 'number')
      paths.push(path.join('/'));
    return true;
  });
  return paths;
}
