import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { frameMessage } from '@callhome/shared/netconf/framing.js';
import { describe, expect, it, vi } from 'vitest';
import { code, connect, framings, ns, readAll, reply } from './client-rig.js';

describe.each(framings)('a streamed reply (%s)', (framing) => {
  it('begins before it is complete, and ends with its errors', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const xml = reply(id, '<data>é</data><rpc-error><error-tag>in-use</error-tag></rpc-error>');
    const framed = frameMessage(`<?xml version="1.0"?>\n${xml}<!-- end -->\n`, framing);
    const middle = framed.indexOf('<data>');
    device.raw(framed.subarray(0, middle));
    const stream = await streaming;
    device.raw(framed.subarray(middle));
    expect(await readAll(stream)).toBe(xml);
    expect(await stream.errors).toMatchObject([{ tag: 'in-use' }]);
  });

  it('holds the device back while its reader pauses', async () => {
    const { session, device, near } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const piece = `<a>${'x'.repeat(8000)}</a>`;
    const message = frameMessage(reply(id, piece.repeat(1000)), framing);
    let written = 0;
    const sent = (async () => {
      for (let at = 0; at < message.length; at += 16_384) {
        const room = device.raw(message.subarray(at, at + 16_384));
        written = at;
        if (!room) await once(device.duplex, 'drain');
      }
    })();
    const stream = await streaming;
    for (let i = 0; i < 50; i++) await nextTurn();
    expect(near.isPaused()).toBe(true);
    expect(written).toBeLessThan(500_000);
    expect(await readAll(stream)).toBe(reply(id, piece.repeat(1000)));
    await sent;
  });

  it('is dropped when its reader stalls; the session lives', async () => {
    const { session, device } = await connect(framing, { stallTimeoutMs: 30 });
    const streaming = session.stream('<get/>');
    const after = session.request('<get/>');
    const first = reply(await device.nextId(), 'x'.repeat(1_000_000));
    const framed = frameMessage(first, framing);
    for (let at = 0; at < framed.length; at += 10_000) device.raw(framed.subarray(at, at + 10_000));
    device.say(reply(await device.nextId(), '<ok/>'));
    const stream = await streaming;
    await expect(stream.errors).rejects.toEqual(code('CALLHOME_READER_STALLED'));
    await expect(readAll(stream)).rejects.toEqual(code('CALLHOME_READER_STALLED'));
    expect((await after).xml).toContain('<ok/>');
  });

  it('does not keep others from being answered or refused in time, and is not dropped while nobody waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { session, device } = await connect(framing, { stallTimeoutMs: 30_000 });
      const streaming = session.stream('<get/>');
      const framed = frameMessage(reply(await device.nextId(), 'x'.repeat(1_000_000)), framing);
      for (let at = 0; at < framed.length; at += 10_000) device.raw(framed.subarray(at, at + 10_000));
      const stream = await streaming;
      // a person reads the first page: nobody waits
      for (let i = 0; i < 50; i++) await nextTurn();
      vi.advanceTimersByTime(300_000);
      const impatient = session.request('<get/>', { timeoutMs: 10_000 });
      const other = session.request('<get/>');
      const ids = [await device.nextId(), await device.nextId()];
      vi.advanceTimersByTime(10_000);
      await expect(impatient).rejects.toMatchObject({
        code: 'CALLHOME_REPLY_TIMEOUT',
        facts: { seconds: 10, heldUp: 10 },
        message: expect.stringContaining('the reader of another reply'),
      });
      vi.advanceTimersByTime(15_000);
      const read = readAll(stream);
      for (const id of ids) device.say(reply(id, '<ok/>'));
      expect((await other).xml).toContain('<ok/>');
      expect(await read).toHaveLength(1_000_000 + reply('1', '').length);
    } finally {
      vi.useRealTimers();
    }
  });

  it('holds up others no longer for many slow readers than for one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { session, device } = await connect(framing, { stallTimeoutMs: 30_000 });
      const slow = Array.from({ length: 5 }, () => session.stream('<get/>', { timeoutMs: 600_000 }));
      const healthy = session.request('<get/>');
      let answered: 'no' | 'yes' = 'no';
      void healthy.then(() => {
        answered = 'yes';
      });
      for (const _each of slow) device.say(reply(await device.nextId(), `<a/>${'x'.repeat(200_000)}`));
      device.say(reply(await device.nextId(), '<ok/>'));
      let seconds = 0;
      for (; answered === 'no' && seconds < 200; seconds++) {
        for (let i = 0; i < 100; i++) await nextTurn();
        vi.advanceTimersByTime(1000);
      }
      expect(seconds).toBeLessThan(40);
      for (const streaming of slow)
        await expect((await streaming).errors).rejects.toEqual(code('CALLHOME_READER_STALLED'));
    } finally {
      vi.useRealTimers();
    }
  });

  it('can be given up by its reader; the session lives', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const framed = frameMessage(reply(id, 'x'.repeat(1_000_000)), framing);
    device.raw(framed.subarray(0, 500_000));
    const stream = await streaming;
    stream.body.destroy();
    await expect(stream.errors).rejects.toMatchObject({ name: 'AbortError' });
    device.raw(framed.subarray(500_000));
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await next).xml).toContain('<ok/>');
  });

  it('fails when the device falls silent in its middle', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>', { timeoutMs: 30 });
    const framed = frameMessage(reply(await device.nextId(), '<a/>'), framing);
    device.raw(framed.subarray(0, framed.indexOf('<a/>')));
    await expect(readAll(await streaming)).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
  });

  it('may take longer than the timeout, as long as pieces come', async () => {
    const { session, device } = await connect(framing);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const streaming = session.stream('<get/>', { timeoutMs: 1000 });
      const xml = reply(await device.nextId(), 'x'.repeat(10));
      const framed = frameMessage(xml, framing);
      const start = framed.indexOf('xxx');
      device.raw(framed.subarray(0, start));
      const stream = await streaming;
      const text = readAll(stream);
      for (let at = start; at < start + 10; at++) {
        vi.advanceTimersByTime(900);
        device.raw(framed.subarray(at, at + 1));
        await nextTurn();
      }
      device.raw(framed.subarray(start + 10));
      expect(await text).toBe(xml);
    } finally {
      vi.useRealTimers();
    }
  });

  it('may hold a text of any length, after errors too', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const xml = reply(await device.nextId(), `<rpc-error/><data>${'x'.repeat(3_000_000)}</data>`);
    const framed = frameMessage(xml, framing);
    for (let at = 0; at < framed.length; at += 50_000) device.raw(framed.subarray(at, at + 50_000));
    expect((await readAll(await streaming)).length).toBe(xml.length);
  });

  it('does not hold errors without a bound', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const error = `<rpc-error><error-message>${'x'.repeat(1000)}</error-message></rpc-error>`;
    device.say(reply(await device.nextId(), error.repeat(2000)));
    const { body, errors } = await streaming;
    body.resume();
    await expect(errors).rejects.toEqual(code('CALLHOME_MESSAGE_TOO_LARGE'));
  });

  it('passes 200 MB without holding them', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const block = Buffer.from(`<item>${'x'.repeat(1011)}</item>`.repeat(256));
    const blocks = 800;
    const total = blocks * block.length;
    const write = async (bytes: Buffer) => {
      if (!device.raw(bytes)) await once(device.duplex, 'drain');
    };
    let sent = 0;
    let received = 0;
    let mostHeld = 0;
    const sending = (async () => {
      const start = Buffer.from(`<rpc-reply ${ns} message-id="${id}">`);
      const pieces = [start, ...Array.from({ length: blocks }, () => block), Buffer.from('</rpc-reply>')];
      for (const piece of pieces) {
        await write(
          framing === 'chunked' ? Buffer.concat([Buffer.from(`\n#${piece.length}\n`), piece]) : piece,
        );
        sent += piece.length;
      }
      await write(Buffer.from(framing === 'chunked' ? '\n##\n' : ']]>]]>'));
    })();
    const stream = await streaming;
    for await (const piece of stream.body) {
      received += piece.length;
      mostHeld = Math.max(mostHeld, sent - received);
      if (received % 64 === 0) await nextTurn();
    }
    await sending;
    expect(await stream.errors).toEqual([]);
    expect(received).toBeGreaterThan(total);
    expect(mostHeld).toBeLessThan(2_000_000);
  });
});
