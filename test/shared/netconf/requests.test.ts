import { getEventListeners } from 'node:events';
import { frameMessage } from '@callhome/shared/netconf/framing.js';
import { hasFailed } from '@callhome/shared/netconf/rpc-error.js';
import { describe, expect, it } from 'vitest';
import { code, connect, framings, ns, reply } from './client-rig.js';

describe.each(framings)('requests (%s)', (framing) => {
  it('are pipelined and matched by message-id, in any order', async () => {
    const { session, device } = await connect(framing);
    const answers = ['<get/>', '<get-config/>', '<validate/>'].map((operation) => session.request(operation));
    const ids = [await device.nextId(), await device.nextId(), await device.nextId()];
    expect(new Set(ids).size).toBe(3);
    for (const index of [2, 0, 1]) device.say(reply(ids[index] ?? '', `<n>${index}</n>`));
    const xml = (await Promise.all(answers)).map((answer) => answer.xml);
    expect(xml).toEqual([0, 1, 2].map((index) => reply(ids[index] ?? '', `<n>${index}</n>`)));
  });

  it('take replies in segments of one byte, with declaration, comments and white space around', async () => {
    const { session, device } = await connect(framing, {}, (bytes) =>
      [...bytes].map((byte) => Buffer.from([byte])),
    );
    const answer = session.request('<get/>');
    const xml = reply(await device.nextId(), '<data>é日本😀<!-- ] ]> --><![CDATA[]]]]></data>');
    device.say(
      `\n<?xml version="1.0" encoding="UTF-8"?>\n<!-- é <rpc-reply> -->\n${xml}\n<!-- session é -->\n`,
    );
    expect((await answer).xml).toBe(xml);
    const second = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await second).errors).toEqual([]);
  });

  it('give errors as data, and warnings beside ok', async () => {
    const { session, device } = await connect(framing);
    const answer = session.request('<commit/>');
    const warning =
      '<rpc-error><error-severity>warning</error-severity><error-message>\nmind\n</error-message></rpc-error>';
    device.say(reply(await device.nextId(), `${warning}<ok/>`));
    const { errors } = await answer;
    expect(errors).toMatchObject([{ severity: 'warning', message: 'mind' }]);
    expect(hasFailed(errors)).toBe(false);
    const second = session.request('<commit/>');
    const inData = '<data><rpc-error/><x><rpc-error/></x></data><rpc-error xmlns="urn:other"/>';
    device.say(
      reply(await device.nextId(), `${warning}<rpc-error><error-tag>in-use</error-tag></rpc-error>${inData}`),
    );
    expect((await second).errors.map((error) => error.tag)).toEqual(['operation-failed', 'in-use']);
  });

  it('drop late, unknown and repeated replies', async () => {
    const { session, device } = await connect(framing);
    const late = session.request('<get/>', { timeoutMs: 20 });
    const lateId = await device.nextId();
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    const answer = session.request('<get/>');
    const id = await device.nextId();
    device.say(reply(lateId, '<late/>'));
    device.say(reply('no-such-id', '<unknown/>'));
    device.say(`<rpc-reply ${ns}><anonymous/></rpc-reply>`);
    device.say(reply(id, '<first/>'));
    device.say(reply(id, '<repeated/>'));
    expect((await answer).xml).toContain('<first/>');
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<next/>'));
    expect((await next).xml).toContain('<next/>');
  });

  it('survive a reply that is too large for memory', async () => {
    const { session, device } = await connect(framing, { maxMessage: 1000 });
    const large = session.request('<get/>');
    const small = session.request('<get/>');
    device.say(reply(await device.nextId(), 'x'.repeat(10_000)));
    device.say(reply(await device.nextId(), '<ok/>'));
    await expect(large).rejects.toEqual(code('CALLHOME_MESSAGE_TOO_LARGE'));
    expect((await small).xml).toContain('<ok/>');
  });

  it('survive bad XML inside another reply', async () => {
    const { session, device } = await connect(framing);
    const bad = session.request('<get/>');
    const cutOff = session.request('<get/>');
    const good = session.request('<get/>');
    device.say(reply(await device.nextId(), '<a>\u0001</a>'));
    device.say(reply(await device.nextId(), '<ok/>').slice(0, -5));
    device.say(reply(await device.nextId(), '<ok/>'));
    await expect(bad).rejects.toEqual(code('CALLHOME_XML'));
    await expect(cutOff).rejects.toEqual(code('CALLHOME_XML'));
    expect((await good).xml).toContain('<ok/>');
  });

  it('can be aborted, before and after they are sent', async () => {
    const { session, device } = await connect(framing);
    const aborter = new AbortController();
    const aborted = session.request('<get/>', { signal: aborter.signal });
    const id = await device.nextId();
    aborter.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await expect(session.request('<get/>', { signal: aborter.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    const next = session.request('<get/>');
    device.say(reply(id, '<late/>'));
    device.say(reply(await device.nextId(), '<next/>'));
    expect((await next).xml).toContain('<next/>');
  });

  it('leave nothing behind at the caller’s signal', async () => {
    const { session, device } = await connect(framing);
    const { signal } = new AbortController();
    const answer = session.request('<get/>', { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    device.say(reply(await device.nextId(), '<ok/>'));
    await answer;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('are not answered before they are sent', async () => {
    const { session, device } = await connect(framing);
    device.duplex.pause();
    const large = session.request(`<a>${'x'.repeat(1_000_000)}</a>`);
    const queued = session.request('<get/>');
    device.say(reply('2', '<guessed/>'));
    device.say(reply('1', '<ok/>'));
    await large;
    device.duplex.resume();
    await device.next();
    device.say(reply(await device.nextId(), '<true/>'));
    expect((await queued).xml).toContain('<true/>');
  });

  it('are refused when they are no operation, and the session goes on', async () => {
    const { session, device } = await connect(framing);
    await expect(session.request('<get/><get/>')).rejects.toEqual(code('CALLHOME_OPERATION_INVALID'));
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    await next;
  });

  it('are all told when the session ends', async () => {
    const { session, device } = await connect(framing);
    const whole = session.request('<get/>');
    const streamed = session.stream('<get/>');
    await device.nextId();
    const id = await device.nextId();
    const framed = frameMessage(reply(id, '<a/>'), framing);
    device.raw(framed.subarray(0, framed.indexOf('<a/>') + 2));
    const outcomes = Promise.allSettled([whole, streamed.then(({ body }) => body.toArray())]);
    device.duplex.destroy();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected' });
    }
    expect(await session.closed).toEqual(code('CALLHOME_PEER_CLOSED'));
    await expect(whole).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
    await expect(session.request('<get/>')).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
  });

  it('wait while the device reads nothing, up to a bound, and are never sent when they are given up', async () => {
    const { session, device } = await connect(framing, { replyTimeoutMs: 20_000 });
    device.duplex.pause();
    const operation = `<a>${'x'.repeat(4 * 1024 * 1024)}</a>`;
    const answers = Array.from({ length: 12 }, () => session.request(operation, { timeoutMs: 300 }));
    const outcomes = await Promise.allSettled(answers);
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? outcome.reason.code : 'answered',
    );
    expect(new Set(reasons)).toEqual(new Set(['CALLHOME_REPLY_TIMEOUT', 'CALLHOME_MESSAGE_TOO_LARGE']));
    device.duplex.resume();
    const next = session.request('<get/>');
    let unanswered = 0;
    for (let message = await device.next(); message.length > 1000; message = await device.next())
      unanswered++;
    expect(unanswered).toBeLessThan(3);
    session.destroy(new Error('enough'));
    await expect(next).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
  });
});
