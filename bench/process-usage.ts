import { readFileSync } from 'node:fs';

/** How Linux counts the time of a process: USER_HZ, 100 on all machines that Node runs on. Milliseconds. */
const tick = 10;

/** The CPU time, user and system, that all threads of a process have used so far. Milliseconds. */
export function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // proc(5): the second field, the name, may hold anything; utime and stime are the 14th and 15th
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) * tick;
}

/** The memory of a process that is in RAM. KB. */
export function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
