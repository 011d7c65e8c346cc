import type { z } from 'zod';
import { type Fields, isFields, membersOf, type Node, type Shape } from './node.js';
import type { Steps } from './path.js';

/** One node of a document: a leaf, a leaf-list, a container or an entry of a list. */
export interface Instance {
  readonly node: Node;
  readonly schema: z.ZodType;
  /** With the default, where a leaf is not written. */
  readonly value: unknown;
  readonly parent: Fields;
  /** Where it is; to be asked for while it is shown. Most are never asked. */
  readonly steps: () => Steps;
}

/**
 * Visits every node of a document whose names are those of the schema, parents first; values may be wrong.
 * Containers without presence are there even when they are not written, save as cases of a choice.
 * @param see whether to go into what it is shown
 */
export function visit(shape: Shape, data: Fields, see: (instance: Instance) => boolean): void {
  const path: (string | number)[] = [];
  const steps = (): Steps => [...path];

  function visitMembers(of: Shape, parent: Fields): void {
    for (const { name, schema, node } of membersOf(of)) {
      const value = parent[name];
      path.push(name);
      switch (node.kind) {
        case 'leaf':
          see({ node, schema, value: value ?? node.default, parent, steps });
          break;
        case 'leaf-list':
          see({ node, schema, value: value ?? [], parent, steps });
          break;
        case 'container': {
          const implied = !node.presence && !node.choice ? {} : undefined;
          const fields = value ?? implied;
          if (isFields(fields) && see({ node, schema, value: fields, parent, steps }))
            visitMembers(node.shape, fields);
          break;
        }
        case 'list':
          for (const [index, entry] of Array.isArray(value) ? value.entries() : []) {
            path.push(index);
            if (isFields(entry) && see({ node, schema, value: entry, parent, steps }))
              visitMembers(node.shape, entry);
            path.pop();
          }
      }
      path.pop();
    }
  }
  visitMembers(shape, data);
}
