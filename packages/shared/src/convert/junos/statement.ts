/** One statement of a Junos configuration, as a `set` line has it: the curly form and XML read the same. */
export interface Statement {
  /** `set`; `deactivate` and `delete` for `inactive:` and `delete:`; of lines, whatever word they begin with. */
  readonly verb: string;
  /** The statement's whole path, its values included. */
  readonly path: readonly string[];
  /** Where each word of the path stands: those of the blocks around it too. From 1. */
  readonly lines: readonly number[];
  /** Where the statement itself begins. From 1. */
  readonly line: number;
}
