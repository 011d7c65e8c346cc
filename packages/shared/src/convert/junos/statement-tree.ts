/** A configuration by the words of its paths, as Junos keeps it: the same path twice is there once. */
export interface StatementTree {
  /** Where it stands first. */
  readonly line: number;
  readonly children: Map<string, StatementTree>;
}

export function createStatementTree(line: number): StatementTree {
  return { line, children: new Map() };
}

export function addPath(tree: StatementTree, path: readonly string[], line: number): void {
  let at = tree;
  for (const word of path) {
    let child = at.children.get(word);
    if (!child) {
      child = createStatementTree(line);
      at.children.set(word, child);
    }
    at = child;
  }
}

/** The node at a path. */
export function findPath(tree: StatementTree, path: readonly string[]): StatementTree | undefined {
  let at: StatementTree | undefined = tree;
  for (const word of path) at = at?.children.get(word);
  return at;
}

/** Takes away what is at the path and below. @returns whether there was anything */
export function removePath(tree: StatementTree, path: readonly string[]): boolean {
  const last = path.at(-1);
  if (last === undefined) {
    const any = tree.children.size > 0;
    tree.children.clear();
    return any;
  }
  return findPath(tree, path.slice(0, -1))?.children.delete(last) ?? false;
}

/** Takes away all nodes that are among these, with what is below. */
export function prune(tree: StatementTree, nodes: ReadonlySet<StatementTree>): void {
  if (nodes.has(tree)) tree.children.clear();
  for (const [word, child] of tree.children) {
    if (nodes.has(child)) tree.children.delete(word);
    else prune(child, nodes);
  }
}
