import type { z } from 'zod';
import { type Fields, isFields, type Node, nodeOf, type Shape } from './node.js';
import type { Steps } from './path.js';

/** One node of a document: a leaf, a leaf-list, a container or an entry of a list. */
export interface Instance {
  readonly node: Node;
  readonly schema: z.ZodType;
  /** With the default, where a leaf is not written. */
  readonly value: unknown;
  readonly parent: Fields;
  readonly steps: Steps;
}

/**
 * Visits every node of a document whose names are those of the schema, parents first; values may be wrong.
 * Containers without presence are there even when they are not written, save as cases of a choice.
 * @param see whether to go into what it is shown
 */
export function visit(
  shape: Shape,
  data: Fields,
  see: (instance: Instance) => boolean,
  steps: Steps = [],
): void {
  for (const [name, schema] of Object.entries(shape)) {
    const node = nodeOf(schema);
    const here = [...steps, name];
    const value = data[name];
    switch (node.kind) {
      case 'leaf':
        see({ node, schema, value: value ?? node.default, parent: data, steps: here });
        break;
      case 'leaf-list':
        see({ node, schema, value: value ?? [], parent: data, steps: here });
        break;
      case 'container': {
        const implied = !node.presence && !node.choice ? {} : undefined;
        const fields = value ?? implied;
        if (isFields(fields) && see({ node, schema, value: fields, parent: data, steps: here }))
          visit(node.shape, fields, see, here);
        break;
      }
      case 'list':
        if (!Array.isArray(value)) break;
        for (const [index, entry] of value.entries()) {
          const there = [...here, index];
          if (isFields(entry) && see({ node, schema, value: entry, parent: data, steps: there }))
            visit(node.shape, entry, see, there);
        }
    }
  }
}
