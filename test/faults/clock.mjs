// Preloaded into a program: SIGUSR2 sets its wall clock five hours ahead, and the next one five hours back from then on.
import { writeSync } from 'node:fs';

const hours = 5 * 3600 * 1000;
const RealDate = Date;
let offset = 0;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + offset);
    else super(...given);
  }

  static now() {
    return RealDate.now() + offset;
  }
};

process.on('SIGUSR2', () => {
  offset = offset === hours ? -hours : hours;
  writeSync(2, `${JSON.stringify({ level: 'info', msg: 'clock jumped' })}\n`);
});
