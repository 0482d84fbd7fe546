import { type ChildProcess, fork } from 'node:child_process'
import type { FlowReport } from '../src/app/report.ts'
import { keepCompiled } from '../src/std/compiled.ts'
import { heapEnvironment, heapFlags } from '../src/std/memory.ts'

/** What an engine of a bench tells of itself. */
export interface Figures {
  readonly durations: readonly number[]
  readonly rssMax: number
  readonly heapAtMax: number
  readonly rss: number
  readonly cpu: { readonly user: number; readonly system: number }
}

/** An engine in a process of its own. */
export interface EngineChild {
  settle(): Promise<FlowReport[]>
  figures(): Promise<Figures>
  stop(): Promise<void>
}

/** Starts it with the heap bounds and the kept compiled code that `syncline run` has. */
export async function startEngineChild(config: string, execArgv: readonly string[] = heapFlags): Promise<EngineChild> {
  keepCompiled('syncline-bench', 'bench')
  const child = fork(new URL('./engine.ts', import.meta.url), [config], {
    execArgv: [...execArgv],
    env: { ...heapEnvironment, ...process.env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await answer(child)
  return {
    async settle() {
      child.send('settle')
      const { failures, report } = (await answer(child)) as { failures: unknown[]; report: FlowReport[] }
      if (failures.length > 0) throw new Error(`the engine did not settle: ${JSON.stringify(failures)}`)
      return report
    },
    async figures() {
      child.send('figures')
      return (await answer(child)) as Figures
    },
    async stop() {
      child.send('stop')
      await new Promise((resolve) => child.once('exit', resolve))
    },
  }
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the engine ended with ${code}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message)
    })
  })
}
