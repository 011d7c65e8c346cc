import { Duplex, PassThrough } from 'node:stream';
import type { Fleet, ReachedDevice } from '@callhome/nms/fleet/fleet.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { ReplyStream, RequestOptions } from '@callhome/shared/netconf/client-session.js';

/** One request that reached a device, and the means to answer it. */
export interface Asked {
  readonly operation: string;
  readonly options: RequestOptions;
  readonly body: PassThrough;
  /** Ends the reply. */
  answer(xml: string, errors?: Awaited<ReplyStream['errors']>): void;
  /** Ends the reply in the middle. */
  cut(error: Error): void;
}

/** A connected device, played by the test. */
export interface FakeDevice {
  readonly reached: ReachedDevice;
  /** Called with each request; the reply has begun when it returns. */
  onRequest: (asked: Asked) => void;
  onOpenSession: () => Promise<Duplex>;
  /** Loses its connection. */
  lose(): void;
}

export function fakeDevice(): FakeDevice {
  const send: ReachedDevice['send'] = async (operation, options) => {
    // As the real one: who looks at one of its two ends may leave the other alone.
    const body = new PassThrough().on('error', () => undefined);
    let settle: (errors: Awaited<ReplyStream['errors']>) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const errors: ReplyStream['errors'] = new Promise((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    errors.catch(() => undefined);
    fake.onRequest({
      operation: operation.xml.toString(),
      options,
      body,
      answer(xml, found = []) {
        body.end(xml);
        settle(found);
      },
      cut(error) {
        body.destroy(error);
        fail(error);
      },
    });
    options.signal?.addEventListener('abort', () => {
      const reason = new Error('aborted');
      body.destroy(reason);
      fail(reason);
    });
    return { body, errors };
  };
  const unexpected = () => {
    throw new Error('not expected here');
  };
  let state: 'connected' | 'lost' = 'connected';
  const fake: FakeDevice = {
    reached: { send, openSession: () => fake.onOpenSession(), isLost: () => state === 'lost' },
    onRequest: unexpected,
    onOpenSession: unexpected,
    lose() {
      state = 'lost';
    },
  };
  return fake;
}

/** A fleet of such devices. */
export interface FakeFleet extends Fleet {
  readonly devices: Map<string, FakeDevice>;
  /** The connections that were ended, with the reasons. */
  readonly ended: { readonly device: string; readonly reason: CallhomeError }[];
}

export function fakeFleet(): FakeFleet {
  const devices = new Map<string, FakeDevice>();
  const ended: FakeFleet['ended'] = [];
  return {
    devices,
    ended,
    async end(device, reason) {
      ended.push({ device, reason });
    },
    async reach(device) {
      const fake = devices.get(device);
      if (!fake) throw new CallhomeError('CALLHOME_DEVICE_NOT_CONNECTED', { device });
      return fake.reached;
    },
    async presence(device) {
      if (!devices.has(device)) return { connected: false };
      return {
        connected: true,
        traffic: { received: 7, sent: 8 },
        sessionId: 42,
        capabilities: ['urn:ietf:params:netconf:base:1.1'],
      };
    },
    connected: async () => devices.size,
  };
}

/** The two ends of a channel: what one writes the other reads, no faster; each half ends by itself. */
export function channelPair(): [Duplex, Duplex] {
  const held = new Map<Duplex, () => void>();
  const release = (writer: Duplex) => {
    const done = held.get(writer);
    held.delete(writer);
    done?.();
  };
  const end = (peer: () => Duplex) =>
    new Duplex({
      highWaterMark: 1024,
      read: () => release(peer()),
      write(chunk, _encoding, done) {
        held.set(this, done);
        if (peer().push(chunk)) release(this);
      },
      final(done) {
        peer().push(null);
        done();
      },
    });
  const near: Duplex = end(() => far);
  const far: Duplex = end(() => near);
  return [near, far];
}
