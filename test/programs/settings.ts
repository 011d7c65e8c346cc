/** A change of a configuration: every member with one of these names gets this value, wherever it stands. */
export function settings(members: Readonly<Record<string, unknown>>): (text: string) => string {
  return (text) =>
    JSON.stringify(
      JSON.parse(text, (name, value) => members[name] ?? value),
      null,
      2,
    );
}

/** The agent's backend: a program with its arguments. */
export function commandBackend(program: string, args: readonly string[], shownServerPort?: number) {
  const environment = shownServerPort === undefined ? {} : { 'shown-server-port': shownServerPort };
  return {
    command: { program, argument: args.map((value, position) => ({ position, value })), environment },
  };
}
