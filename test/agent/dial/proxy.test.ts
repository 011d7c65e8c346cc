import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type DialOptions, dialTcp } from '@callhome/agent/dial/tcp.js';
import type { ProxyConfig } from '@callhome/shared/config/agent-config.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** What the system's resolver says. */
const resolver = vi.hoisted(() => ({ addresses: ['127.0.0.1'] }));
vi.mock('@callhome/agent/dial/resolve.js', async (load) => {
  const { resolveName } = await load<typeof import('@callhome/agent/dial/resolve.js')>();
  return {
    resolveName: async (name: string, signal: AbortSignal) =>
      name.endsWith('.example')
        ? resolver.addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        : await resolveName(name, signal),
  };
});

type Kind = ProxyConfig['kind'] | 'socks5 with credentials';
const kinds: readonly Kind[] = ['socks4', 'socks4a', 'socks5', 'socks5 with credentials'];
const credentials = { username: 'router1', password: 'tr0ub4dor' };

const bytes = (...values: number[]) => Buffer.from(values);
const granted4 = bytes(0, 90, 0, 0, 0, 0, 0, 0);
const granted5 = bytes(5, 0, 0, 3, 4, 0x61, 0x62, 0x63, 0x64, 0, 0);
/** What a proxy says to each thing that it hears, when it consents. */
const consent: Readonly<Record<Kind, readonly Buffer[]>> = {
  socks4: [granted4],
  socks4a: [granted4],
  socks5: [bytes(5, 0), granted5],
  'socks5 with credentials': [bytes(5, 2), bytes(1, 0), granted5],
};

let stop: AbortController;
let server: Server;
let port: number;
let callers: Socket[];
let dialled: Socket | undefined;
let onCaller: (caller: Socket) => void;

beforeEach(async () => {
  [stop, callers, dialled, onCaller] = [new AbortController(), [], undefined, () => undefined];
  resolver.addresses = ['127.0.0.1'];
  server = createServer({ noDelay: true }, (caller) => {
    callers.push(caller.on('error', () => undefined));
    onCaller(caller);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const socket of [...callers, ...(dialled ? [dialled] : [])]) socket.destroy();
  await once(server.close(), 'close');
});

async function dial(kind: Kind, options: Partial<DialOptions> = {}): Promise<Socket> {
  const at = { address: '127.0.0.1', port };
  const proxy: ProxyConfig =
    kind === 'socks5 with credentials' ? { kind: 'socks5', ...at, credentials } : { kind, ...at };
  const target = { address: 'nms.example', port: 4334 };
  dialled = await dialTcp({ ...target, maxWaitSeconds: 5, signal: stop.signal, proxy, ...options });
  return dialled;
}

/** A proxy that says one thing to each thing that it hears. */
function says(...answers: readonly Buffer[]): (caller: Socket) => void {
  return (caller) => {
    const left = [...answers];
    caller.on('data', () => {
      const answer = left.shift();
      if (answer) caller.write(answer);
    });
  };
}

/** Writes each piece in a packet of its own. */
async function writeApart(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** All callers are gone, as the proxy sees it. */
async function expectGone(count = 1): Promise<void> {
  await expect.poll(() => callers.map((caller) => caller.destroyed)).toEqual(Array(count).fill(true));
}

describe.each(kinds)('through a proxy of %s', (kind) => {
  const answers = consent[kind];
  const whole = Buffer.concat(answers);

  it("the peer's first bytes arrive, wherever the answer is split", async () => {
    for (let split = 0; split <= whole.length; split++) {
      // It knows what it will hear, and answers before it has: the worst that it may do.
      const said = Buffer.concat([whole, Buffer.from('SSH-2.0-peer\r\n')]);
      onCaller = (caller) =>
        void writeApart(caller.resume(), [said.subarray(0, split), said.subarray(split)]);
      const socket = await dial(kind);
      expect(socket.readableFlowing).toBe(null);
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      await expect.poll(() => heard, { interval: 2 }).toBe('SSH-2.0-peer\r\n');
      socket.destroy();
    }
  });

  it('one byte at a time too, and the socket is as one that was dialled directly', async () => {
    onCaller = (caller) =>
      void writeApart(
        caller.resume(),
        [...whole].map((byte) => bytes(byte)),
      );
    const socket = await dial(kind);
    const plain = connect(port, '127.0.0.1');
    await once(plain, 'connect');
    const listeners = (of: Socket) => of.eventNames().map((name) => [name, of.listenerCount(name)]);
    expect(listeners(socket)).toEqual(listeners(plain));
    plain.destroy();

    // What the peer sends while nobody reads is kept within bounds.
    const flood = Buffer.alloc(4 * 1024 * 1024, 'x');
    callers[0]?.write(flood);
    await expect.poll(() => socket.readableLength).toBeGreaterThan(0);
    expect(socket.readableLength).toBeLessThan(1024 * 1024);
    let heard = 0;
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    await expect.poll(() => heard).toBe(flood.length);
    const echoed = new Promise<string>((resolve) => callers[0]?.once('data', (data) => resolve(`${data}`)));
    socket.write('to the peer');
    expect(await echoed).toBe('to the peer');
  });

  it.each(['full up\n', ''])('a peer that says %j and closes is heard', async (text) => {
    onCaller = (caller) => {
      caller.resume().end(Buffer.concat([whole, Buffer.from(text)]));
    };
    const socket = await dial(kind);
    const chunks: unknown[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    expect(chunks.join('')).toBe(text);
  });

  it('whose proxy closes or resets in the middle of its answer, it is an error', async () => {
    for (let length = 0; length < whole.length; length++) {
      onCaller = (caller) => void caller.resume().end(whole.subarray(0, length));
      await expect(dial(kind), String(length)).rejects.toMatchObject({
        code: 'CALLHOME_PROXY_FAILED',
        message: expect.stringMatching(
          /^no TCP connection to nms\.example port 4334 through the SOCKS \w+ proxy 127\.0\.0\.1 port \d+: it closed the connection without an answer$/,
        ),
      });
    }
    onCaller = (caller) => void caller.resetAndDestroy();
    await expect(dial(kind)).rejects.toMatchObject({ code: 'CALLHOME_PROXY_FAILED' });
    await expectGone(whole.length + 1);
  });

  it('that falls silent after any of its answers, the time is bounded and nothing is left', async () => {
    for (let count = 0; count < answers.length; count++) {
      onCaller = says(...answers.slice(0, count));
      await expect(dial(kind, { maxWaitSeconds: 0.1 })).rejects.toMatchObject({
        code: 'CALLHOME_DIAL_TIMEOUT',
        message: expect.stringMatching(/ port \d+ within 0\.1 s: it has not answered$/),
      });
    }
    await expectGone(answers.length);
  });

  it('that drips, the time is bounded for all of it together', async () => {
    onCaller = (caller) => {
      const drip = setInterval(() => caller.write(bytes(0)), 20).unref();
      caller.resume().on('close', () => clearInterval(drip));
    };
    const start = performance.now();
    await expect(dial(kind, { maxWaitSeconds: 0.1 })).rejects.toThrow();
    expect(performance.now() - start).toBeLessThan(1000);
    await expectGone();
  });

  it('a stop ends it after any of the answers', async () => {
    for (let count = 0; count < answers.length; count++) {
      onCaller = (caller) => {
        let heard = 0;
        says(...answers.slice(0, count))(caller);
        caller.on('data', () => {
          heard += 1;
          if (heard > count) stop.abort();
        });
      };
      await expect(dial(kind)).rejects.toMatchObject({ code: 'CALLHOME_STOPPED' });
      stop = new AbortController();
    }
    await expectGone(answers.length);
  });

  it('that floods with nonsense is cut off', async () => {
    onCaller = (caller) => {
      const block = Buffer.alloc(64 * 1024, 'x');
      const flood = () => {
        while (caller.writable && caller.write(block));
      };
      caller.resume().on('drain', flood);
      flood();
    };
    await expect(dial(kind)).rejects.toThrow(/: it does not answer as a SOCKS [45] proxy does$/);
    await expectGone();
  });
});

describe('through a proxy', () => {
  it('of SOCKS 4 every IPv4 address of the name is asked for, until it reaches one', async () => {
    resolver.addresses = ['2001:db8::1', '192.0.2.1', '192.0.2.2', '192.0.2.3'];
    const asked: string[] = [];
    onCaller = (caller) => {
      caller.once('data', (request: Buffer) => {
        const address = [...request.subarray(4, 8)].join('.');
        asked.push(address);
        if (address === '192.0.2.1') caller.end(bytes(0, 91, 0, 0, 0, 0, 0, 0));
        if (address === '192.0.2.3') caller.write(granted4);
      });
    };
    const socket = await dial('socks4');
    expect(asked).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    expect(socket.destroyed).toBe(false);
    await expect.poll(() => callers.map((caller) => caller.destroyed)).toEqual([true, true, false]);
  });

  it('of SOCKS 4 a name without an IPv4 address is an error that says so', async () => {
    resolver.addresses = ['2001:db8::1'];
    await expect(dial('socks4')).rejects.toThrow(': nms.example has no IPv4 address, which SOCKS 4 needs');
    expect(callers).toEqual([]);
  });

  it.each(['socks4a', 'socks5'] as const)('of %s the name is not resolved here', async (kind) => {
    resolver.addresses = [];
    onCaller = says(...consent[kind]);
    await dial(kind);
  });

  it('that is not there, it is an error that says so', async () => {
    const proxy: ProxyConfig = { kind: 'socks5', address: 'proxy.example', port };
    resolver.addresses = ['127.0.0.2', '127.0.0.3'];
    await expect(dial('socks5', { proxy })).rejects.toMatchObject({
      code: 'CALLHOME_PROXY_FAILED',
      message: `no TCP connection to nms.example port 4334 through the SOCKS 5 proxy proxy.example port ${port}: ECONNREFUSED 127.0.0.2, ECONNREFUSED 127.0.0.3`,
    });
  });

  it('the local address is the one that the proxy sees', async () => {
    onCaller = says(...consent.socks5);
    await dial('socks5', { localAddress: '127.0.0.9' });
    expect(callers[0]?.remoteAddress).toBe('127.0.0.9');
  });

  it('the password reaches neither a message nor a proxy that does not ask for it', async () => {
    const heard: Buffer[] = [];
    for (const answers of [[bytes(5, 0)], [bytes(5, 0xff)], [bytes(5, 2), bytes(1, 1)]]) {
      onCaller = (caller) => {
        says(...answers)(caller);
        if (answers.length === 1) caller.on('data', (data: Buffer) => heard.push(data));
      };
      const error = await dial('socks5 with credentials').catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'CALLHOME_PROXY_FAILED' });
      expect(JSON.stringify(error) + String(error)).not.toContain(credentials.password);
    }
    expect(Buffer.concat(heard)).toEqual(bytes(5, 1, 2, 5, 1, 2));
  });
});
