import { setImmediate as nextTurn } from 'node:timers/promises';
import { members } from '@callhome/shared/config/configuration.js';
import type { Fields } from '@callhome/shared/config/yang/node.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { base10, base11 } from '@callhome/shared/netconf/hello.js';
import { baseNamespace } from '@callhome/shared/netconf/namespaces.js';
import type { RpcError } from '@callhome/shared/netconf/rpc-error.js';
import { openServerSession, type ServerSession } from '@callhome/shared/netconf/server-session.js';
import {
  childElements,
  parseElements,
  serializeElement,
  textOf,
  type XmlElement,
} from '@callhome/shared/xml/element.js';
import { escapeText } from '@callhome/shared/xml/reader.js';
import type { Backend } from './backend.js';
import { selectSubtrees } from './subtree-filter.js';

type Answer = string | readonly RpcError[];

/** A filter of more elements than this costs more than any part of the configuration is worth. */
const maxFilterElements = 2000;

/** No request that is carried out here needs to be larger. Bytes. */
const maxRequest = 64 * 1024;

/** @param info the children of error-info that RFC 6241, appendix A, asks for */
function refuse(tag: string, message: string, info?: string): readonly RpcError[] {
  return [{ type: 'protocol', tag, severity: 'error', message, ...(info === undefined ? {} : { info }) }];
}

function badElement(name: string): string {
  return `<bad-element>${escapeText(name)}</bad-element>`;
}

/** An operation's parameters by name; or what is wrong with them: each of those allowed may be there once. */
function parametersOf(
  operation: XmlElement,
  allowed: readonly string[],
): ReadonlyMap<string, XmlElement> | readonly RpcError[] {
  const parameters = new Map<string, XmlElement>();
  for (const element of childElements(operation)) {
    const name = element.name.slice(0, 100);
    if (element.namespace !== baseNamespace || !allowed.includes(name)) {
      return refuse('unknown-element', `${operation.name} has no parameter ${name}`, badElement(name));
    }
    if (parameters.has(name)) return refuse('bad-element', `${name} is there twice`, badElement(name));
    parameters.set(name, element);
  }
  return parameters;
}

function isRefusal<T>(outcome: T | readonly RpcError[]): outcome is readonly RpcError[] {
  return Array.isArray(outcome);
}

function missing(name: string): readonly RpcError[] {
  return refuse('missing-element', `${name} is missing`, badElement(name));
}

function countElements(element: XmlElement): number {
  return childElements(element).reduce((sum, child) => sum + countElements(child), 1);
}

/** The data, or the part of it that a subtree filter selects. */
function select(data: readonly XmlElement[], filter: XmlElement | undefined): Answer {
  if (filter) {
    const kind = filter.attributes.find((attribute) => attribute.name === 'type')?.value ?? 'subtree';
    if (kind === 'xpath') return refuse('operation-not-supported', 'only subtree filters are supported');
    if (kind !== 'subtree') {
      const info = `<bad-attribute>type</bad-attribute>${badElement('filter')}`;
      return refuse('bad-attribute', 'a filter is of type subtree', info);
    }
    if (countElements(filter) > maxFilterElements) {
      return refuse('too-big', `the filter has more than ${maxFilterElements} elements`);
    }
  }
  const selected = filter ? selectSubtrees(data, filter) : data;
  return `<data>${selected.map(serializeElement).join('')}</data>`;
}

function get(data: readonly XmlElement[], operation: XmlElement): Answer {
  const parameters = parametersOf(operation, ['filter']);
  return isRefusal(parameters) ? parameters : select(data, parameters.get('filter'));
}

function getConfig(data: readonly XmlElement[], operation: XmlElement): Answer {
  const parameters = parametersOf(operation, ['source', 'filter']);
  if (isRefusal(parameters)) return parameters;
  const source = parameters.get('source');
  if (!source) return missing('source');
  const datastores = parametersOf(source, ['running', 'candidate', 'startup', 'url']);
  if (isRefusal(datastores)) return datastores;
  if (datastores.size !== 1) return missing('running');
  if (!datastores.has('running'))
    return refuse('operation-not-supported', 'the only datastore is <running/>');
  return select(data, parameters.get('filter'));
}

/**
 * Answers NETCONF with the agent's own configuration, without its secrets, and with what the agent is doing.
 * @param configuration that holds at the time of the call; the same object as long as it does not change
 * @param state what the agent is doing at the time of the call, as XML
 */
export function embeddedBackend(configuration: () => Fields, state: () => string, parent: Log): Backend {
  let shown: { readonly of: Fields; readonly elements: readonly XmlElement[] } | undefined;
  function data(): readonly XmlElement[] {
    const of = configuration();
    if (shown?.of !== of) {
      shown = { of, elements: parseElements(writeXml(members, of, { forPeers: true })) };
    }
    return shown.elements;
  }
  const sessions = new Map<number, ServerSession>();
  let lastSessionId = 0;

  function nextSessionId(): number {
    do lastSessionId = lastSessionId === 0xffffffff ? 1 : lastSessionId + 1;
    while (sessions.has(lastSessionId));
    return lastSessionId;
  }

  function kill(own: number, operation: XmlElement): Answer {
    const parameters = parametersOf(operation, ['session-id']);
    if (isRefusal(parameters)) return parameters;
    const element = parameters.get('session-id');
    if (!element) return missing('session-id');
    const id = textOf(element);
    const session = /^[1-9][0-9]{0,9}$/.test(id) ? sessions.get(Number(id)) : undefined;
    if (!session || session.sessionId === own) {
      return refuse(
        'invalid-value',
        'there is no other session with this session-id',
        badElement('session-id'),
      );
    }
    session.destroy(new CallhomeError('CALLHOME_SESSION_CLOSED', { why: `killed by session ${own}` }));
    return '<ok/>';
  }

  function carryOut(own: number, operation: XmlElement): Answer {
    if (operation.namespace === baseNamespace) {
      switch (operation.name) {
        case 'get':
          return get([...data(), ...parseElements(state())], operation);
        case 'get-config':
          return getConfig(data(), operation);
        case 'kill-session':
          return kill(own, operation);
      }
    }
    return refuse('operation-not-supported', `${operation.name.slice(0, 100)} is not supported`);
  }

  return {
    async open(channel, { user }) {
      const sessionId = nextSessionId();
      const log = parent.child({ backend: 'embedded', session: sessionId, user });
      const session = openServerSession(channel, {
        sessionId,
        capabilities: [base10, base11],
        maxMessage: maxRequest,
        async handle(operation) {
          // Whoever asks without end leaves turns to all others.
          await nextTurn();
          return carryOut(sessionId, operation);
        },
        onEnding: () => channel.exit?.(0),
        onFault: (error) => log.error({ reason: reasonOf(error) }, 'operation failed'),
      });
      sessions.set(sessionId, session);
      log.info('session opened');
      const reason = await session.closed;
      sessions.delete(sessionId);
      log.info({ reason: reason ? reasonOf(reason) : 'closed by the client' }, 'session closed');
    },
  };
}
