import { childElement, childElements, serializeElement, textOf, type XmlElement } from '../xml/element.js';
import { escapeText } from '../xml/reader.js';

const types = ['transport', 'rpc', 'protocol', 'application'] as const;

/** One `<rpc-error>` (RFC 6241 §4.3). */
export interface RpcError {
  readonly type: (typeof types)[number];
  readonly tag: string;
  readonly severity: 'error' | 'warning';
  readonly appTag?: string;
  readonly path?: string;
  readonly message?: string;
  /** The children of `<error-info>`, as XML. */
  readonly info?: string;
}

/** Whether a request with these in its reply has failed: warnings are not failures. */
export function hasFailed(errors: readonly RpcError[]): boolean {
  return errors.some((error) => error.severity === 'error');
}

/** Reads an `<rpc-error>` as devices send it: what is missing or unknown counts as the most general error. */
export function parseRpcError(element: XmlElement): RpcError {
  const text = (name: string) => {
    const child = childElement(element, element.namespace, name);
    return child === undefined ? undefined : textOf(child);
  };
  const type = text('error-type');
  const appTag = text('error-app-tag');
  const path = text('error-path');
  const message = text('error-message');
  const info = childElement(element, element.namespace, 'error-info');
  return {
    type: types.find((known) => known === type) ?? 'application',
    tag: text('error-tag') ?? 'operation-failed',
    severity: text('error-severity') === 'warning' ? 'warning' : 'error',
    ...(appTag === undefined ? {} : { appTag }),
    ...(path === undefined ? {} : { path }),
    ...(message === undefined ? {} : { message }),
    ...(info === undefined ? {} : { info: childElements(info).map(serializeElement).join('') }),
  };
}

/** An `<rpc-error>` for a reply whose default namespace is NETCONF's. */
export function serializeRpcError(error: RpcError): string {
  const leaf = (name: string, value: string | undefined) =>
    value === undefined ? '' : `<${name}>${escapeText(value)}</${name}>`;
  return [
    '<rpc-error>',
    leaf('error-type', error.type),
    leaf('error-tag', error.tag),
    leaf('error-severity', error.severity),
    leaf('error-app-tag', error.appTag),
    leaf('error-path', error.path),
    error.message === undefined
      ? ''
      : `<error-message xml:lang="en">${escapeText(error.message)}</error-message>`,
    error.info === undefined ? '' : `<error-info>${error.info}</error-info>`,
    '</rpc-error>',
  ].join('');
}
