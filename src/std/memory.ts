/**
 * Bounds of V8's heap, as flags of Node; sizes in MB. The engine's live set is some 50 MB; without bounds V8 lets the heap grow as
 * large as the machine allows before it collects, and resident memory was 450 to 600 MB after 100,000 records; with them it is
 * below 300 MB (`npm run bench`). V8 takes these flags only when it starts.
 *
 * - What is young is collected by one thread: where the store's thread and the other systems share few cores, more threads wait
 *   for each other (a tenth of all processor time). Its space has its full size from the start.
 * - What is old is collected from 96 MB on: with a bound as small as ours V8 would begin at 1.3 times the live set, and mark it
 *   twice as often (another eighth).
 */
export const heapFlags: readonly string[] = [
  '--min-semi-space-size=6',
  '--max-semi-space-size=6',
  '--initial-old-space-size=96',
  '--max-old-space-size=192',
  '--no-parallel-scavenge',
]

/**
 * For glibc, which otherwise gives each of our dozen threads an arena of its own and keeps what was freed in it: 29 MB of resident
 * memory. Source: https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html (as an environment variable:
 * mallopt(3)). Other C libraries do not read it.
 */
export const heapEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' }

/**
 * Starts this very process anew with a bounded heap, under the same pid, unless it has bounds already. For programs that run for
 * months beside others; call it first thing. Where the system cannot replace a process it goes on as it is.
 */
export function boundHeap(): void {
  const has = (name: string) => process.execArgv.some((flag) => flag.startsWith(name))
  if (has('--max-old-space-size') || process.platform === 'win32' || process.execve === undefined) return
  const args = [process.execPath, ...heapFlags, ...process.execArgv, ...process.argv.slice(1)]
  const { env } = process
  process.execve(process.execPath, args, { ...heapEnvironment, ...env })
}
