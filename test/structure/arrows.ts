import path from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

export type Rooms = Readonly<Record<string, readonly string[]>>;

/**
 * A string that can only be the name of one of our modules, wherever it stands: an import or export, of types alone or
 * not, an import within an expression or a type, the file of a thread.
 */
const moduleName = /^(\.{1,2}|@callhome)\/.*\.js$/;

/** The source of a module that is named in this file. */
function sourceOf(name: string, file: string): string {
  const compiled = name.startsWith('.')
    ? path.join(path.dirname(file), name)
    : name.replace(/^@callhome\/([^/]+)/, 'packages/$1/src');
  return compiled.replace(/\.js$/, '.ts');
}

function importsOf(file: string, text: string): ReadonlySet<string> {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join(', ')}`);
  const imports = new Set<string>();
  const visitor = new Visitor({
    Literal({ value }) {
      if (typeof value === 'string' && moduleName.test(value)) imports.add(sourceOf(value, file));
    },
  });
  visitor.visit(program);
  return imports;
}

/** The room of a source, as it would be called: there need not be one. */
function roomOf(file: string, rooms: Rooms): string {
  const module = file.replace(/^packages\/([^/]+)\/src\/(.*)\.ts$/, '$1/$2');
  return Object.hasOwn(rooms, module) ? module : path.dirname(module);
}

/** Where the rooms themselves break the rules that make all arrows one-way. */
function faultsOfRooms(rooms: Rooms): string[] {
  const names = Object.keys(rooms);
  const packageOf = (room: string) => room.split('/')[0];
  return Object.entries(rooms).flatMap(([room, used]) =>
    used.flatMap((other) => {
      if (names.indexOf(other) <= names.indexOf(room)) return `${room} uses ${other}, which is not below it`;
      const foreign = packageOf(other) !== packageOf(room) && packageOf(other) !== 'shared';
      return foreign ? `${room} uses ${other}, which is of another package` : [];
    }),
  );
}

/**
 * What is wrong with the imports of these files of packages, one line each.
 * @param sources the text of each, by its path from the root
 */
export function faultsOf(sources: ReadonlyMap<string, string>, rooms: Rooms): string[] {
  const faults = faultsOfRooms(rooms);
  for (const [file, text] of sources) {
    const room = roomOf(file, rooms);
    const used = rooms[room];
    if (used === undefined) faults.push(`${file} is in no room: rooms.ts has no ${room}`);
    for (const imported of importsOf(file, text)) {
      const other = roomOf(imported, rooms);
      if (!sources.has(imported)) faults.push(`${file} imports ${imported}, which is no source of a package`);
      else if (used !== undefined && other !== room && other !== 'shared' && !used.includes(other))
        faults.push(`${file} imports ${imported}: ${room} may not use ${other}`);
    }
  }
  return faults;
}
