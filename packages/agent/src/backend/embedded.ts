import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { base10, base11 } from '@callhome/shared/netconf/hello.js';
import { baseNamespace } from '@callhome/shared/netconf/namespaces.js';
import type { RpcError } from '@callhome/shared/netconf/rpc-error.js';
import { openServerSession, type ServerSession } from '@callhome/shared/netconf/server-session.js';
import {
  childElement,
  childElements,
  serializeElement,
  textOf,
  type XmlElement,
} from '@callhome/shared/netconf/xml-element.js';
import type { Backend } from './backend.js';
import { configurationData } from './configuration-data.js';
import { selectSubtrees } from './subtree-filter.js';

type Answer = string | readonly RpcError[];

function refuse(tag: string, message: string, type: RpcError['type'] = 'protocol'): readonly RpcError[] {
  return [{ type, tag, severity: 'error', message }];
}

/** `<get>` and `<get-config>`: the data, or the part of it that a subtree filter selects. */
function read(data: readonly XmlElement[], operation: XmlElement): Answer {
  const filter = childElement(operation, baseNamespace, 'filter');
  const kind = filter?.attributes.find((attribute) => attribute.name === 'type')?.value ?? 'subtree';
  if (kind !== 'subtree') return refuse('operation-not-supported', 'only subtree filters are supported');
  const selected = filter ? selectSubtrees(data, filter) : data;
  return `<data>${selected.map(serializeElement).join('')}</data>`;
}

function readConfig(data: readonly XmlElement[], operation: XmlElement): Answer {
  const source = childElement(operation, baseNamespace, 'source');
  const [datastore] = source ? childElements(source) : [];
  if (!datastore) return refuse('missing-element', 'get-config needs a <source>');
  if (datastore.name !== 'running')
    return refuse('operation-not-supported', 'the only datastore is <running/>');
  return read(data, operation);
}

/** Answers NETCONF with the agent's own configuration, without its secrets. */
export function embeddedBackend(document: unknown, parent: Log): Backend {
  const data = configurationData(document);
  const sessions = new Map<number, ServerSession>();
  let lastSessionId = 0;

  function nextSessionId(): number {
    do lastSessionId = lastSessionId === 0xffffffff ? 1 : lastSessionId + 1;
    while (sessions.has(lastSessionId));
    return lastSessionId;
  }

  function kill(own: number, operation: XmlElement): Answer {
    const element = childElement(operation, baseNamespace, 'session-id');
    if (!element) return refuse('missing-element', 'kill-session needs a <session-id>');
    const id = Number(textOf(element));
    const session = sessions.get(id);
    if (id === own || !session)
      return refuse('invalid-value', 'there is no other session with this session-id');
    session.destroy(new CallhomeError('CALLHOME_SESSION_CLOSED', { why: `killed by session ${own}` }));
    return '<ok/>';
  }

  function carryOut(own: number, operation: XmlElement): Answer {
    if (operation.namespace === baseNamespace) {
      switch (operation.name) {
        case 'get':
          return read(data, operation);
        case 'get-config':
          return readConfig(data, operation);
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
        handle: async (operation) => carryOut(sessionId, operation),
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
