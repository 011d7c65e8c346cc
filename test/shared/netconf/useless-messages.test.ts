import { createUselessMessages } from '@callhome/shared/netconf/useless-messages.js';
import { expect, it } from 'vitest';

const useless = expect.objectContaining({ code: 'CALLHOME_TRAFFIC_USELESS' });
const mebibyte = 1024 * 1024;

it('lets the rest of a reply that was given up pass, and not one without end', () => {
  const messages = createUselessMessages();
  for (let reply = 0; reply < 3; reply++) {
    messages.begin('given up');
    for (let sent = 0; sent < 1024; sent++) messages.data(mebibyte);
  }
  expect(() => messages.data(1)).toThrow(useless);
});

it('lets little pass that nobody asked for', () => {
  const messages = createUselessMessages();
  messages.begin('stray');
  for (let sent = 0; sent < 16; sent++) messages.data(mebibyte);
  expect(() => messages.data(mebibyte)).toThrow(useless);
});
