import { childElements, textOf, type XmlElement } from '@callhome/shared/xml/element.js';

/** Names match by namespace; a filter without any matches all (RFC 6241 §6.2.1). Attributes must be there and equal (§6.2.2). */
function matches(filter: XmlElement, data: XmlElement): boolean {
  if (filter.name !== data.name || (filter.namespace !== '' && filter.namespace !== data.namespace))
    return false;
  return filter.attributes.every((wanted) =>
    data.attributes.some(
      ({ name, namespace, value }) =>
        name === wanted.name && namespace === wanted.namespace && value === wanted.value,
    ),
  );
}

/** A leaf with text in a filter selects by that text (§6.2.5). */
function isContentMatch(filter: XmlElement): boolean {
  return childElements(filter).length === 0 && textOf(filter) !== '';
}

/** An empty element in a filter selects all that it names (§6.2.4). */
function isSelection(filter: XmlElement): boolean {
  return childElements(filter).length === 0 && textOf(filter) === '';
}

/** Whether every content match in a containment node (§6.2.3) is true for `data`. */
function contentMatches(filter: XmlElement, data: XmlElement): boolean {
  const children = childElements(data);
  return childElements(filter)
    .filter(isContentMatch)
    .every((wanted) => children.some((child) => matches(wanted, child) && textOf(child) === textOf(wanted)));
}

/** What `filters`, which all match `data` by name, select of it together. */
function selectFrom(data: XmlElement, filters: readonly XmlElement[]): XmlElement | undefined {
  const holding = filters.filter((filter) => isSelection(filter) || contentMatches(filter, data));
  // Content matches alone select the whole of what they match.
  if (holding.some((filter) => isSelection(filter) || childElements(filter).every(isContentMatch)))
    return data;
  const wanted = holding.flatMap(childElements);
  let selected = false;
  const content = childElements(data).flatMap((child) => {
    const part = selectChild(child, wanted);
    if (part) selected = true;
    // The key of every list that the agent's model has: an entry without it would not say which it is.
    return part ? [part] : child.name === 'name' ? [child] : [];
  });
  return selected ? { ...data, content } : undefined;
}

function selectChild(child: XmlElement, wanted: readonly XmlElement[]): XmlElement | undefined {
  const filters = wanted.filter((filter) => matches(filter, child));
  if (filters.some((filter) => isContentMatch(filter) && textOf(filter) === textOf(child))) return child;
  const others = filters.filter((filter) => !isContentMatch(filter));
  return others.length > 0 ? selectFrom(child, others) : undefined;
}

/** The parts of `data` that a subtree filter selects (RFC 6241 §6): the children of `<filter>` are alternatives. */
export function selectSubtrees(data: readonly XmlElement[], filter: XmlElement): XmlElement[] {
  const wanted = childElements(filter);
  return data.flatMap((node) => selectChild(node, wanted) ?? []);
}
