import { SyncError } from '../model/failure.ts'
import { systemClock } from '../std/clock.ts'
import type { FromHost, ToHost } from './function-calls.ts'
import { functionThread } from './function-thread.ts'

// The process that functions of the user run in. They have a thread of their own in it, so that this one always hears when the engine
// is gone, whatever a function does.
const thread = functionThread({ clock: systemClock, memory_mb: Number(process.argv[2]) })

async function answer({ id, called, pairs }: ToHost): Promise<FromHost> {
  try {
    if (pairs === null) return { id, kind: 'checked', why: await thread.check(called.file) }
    return { id, kind: 'answers', answers: await thread.run(called, pairs) }
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return { id, kind: 'unusable', failure: error.failure }
  }
}

process.on('message', (asked: ToHost) => void answer(asked).then((said) => process.send?.(said)))
process.on('disconnect', () => process.exit(0))
// Ctrl-C and a service manager tell the whole group; the engine ends what it still needs of this one first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
