import { z } from 'zod';

/**
 * A device's id: 1..255 visible ASCII characters without `/`, of which the first is a letter, a digit or `_`,
 * so that it is one segment of a path, never `.` or `..`, and never looks like an option.
 */
export const deviceId = z
  .string()
  .regex(
    /^[A-Za-z0-9_][!-.0-~]{0,254}$/,
    'must be 1 to 255 visible ASCII characters without "/", the first a letter, a digit or "_"',
  );
