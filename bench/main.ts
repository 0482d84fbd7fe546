import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startEngineChild } from './child.ts'
import { bareLoop, oneUpsertP95, percentile } from './floor.ts'
import { benchWorld, seed } from './world.ts'

/**
 * `npm run bench`: each figure beside its floor of the same run; `npm run bench -- engine mysql` only those. Sizes of `engine`:
 * `SYNCLINE_BENCH_ROWS` (snapshot, default 100,000), `SYNCLINE_BENCH_BIG` (memory, default 1,000,000; 0 leaves it out),
 * `SYNCLINE_BENCH_SECONDS` (live, default 20). The others say theirs at their top.
 */
const others = ['mysql', 'validation', 'pipeline', 'twins', 'duplicates']
const given = process.argv.slice(2)
const unknown = given.find((name) => name !== 'engine' && !others.includes(name))
if (unknown !== undefined) throw new Error(`there is no bench ${unknown}; there are engine, ${others.join(', ')}`)
const wanted = (name: string) => given.length === 0 || given.includes(name)
const rows = Number(process.env['SYNCLINE_BENCH_ROWS'] ?? 100_000)
const big = Number(process.env['SYNCLINE_BENCH_BIG'] ?? 1_000_000)
const seconds = Number(process.env['SYNCLINE_BENCH_SECONDS'] ?? 20)
const say = (line: string) => process.stdout.write(`${line}\n`)
const million = 1_000_000

if (wanted('engine')) {
  await snapshotBench()
  await liveBench()
  if (big > 0) await memoryBench()
}
for (const name of others.filter(wanted)) {
  say(`\n${name}`)
  // Each in a process of its own: what one leaves in the heap must not slow the next.
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = 1
}

/** From an empty state to every record confirmed. */
async function snapshotBench(): Promise<void> {
  await using world = await benchWorld()
  await seed(world.client, 1, rows)
  const floor = await bareLoop(world.salesforceUrl, rows)
  const started = performance.now()
  const engine = await startEngineChild(world.config)
  const [report] = await engine.settle()
  const perSecond = rows / ((performance.now() - started) / 1000)
  const { rssMax, cpu } = await engine.figures()
  await engine.stop()
  if (report?.delivered !== rows)
    throw new Error(`delivered ${report?.delivered} of ${rows}: ${JSON.stringify(report)}`)
  say(
    `snapshot to confirmed   ${fix(perSecond)} records/s   floor (bare loop) ${fix(floor)} records/s   ratio ${(perSecond / floor).toFixed(2)}`,
  )
  say(
    `  ${fix(rows)} records, start of the process included; engine: ${Math.round(rssMax / million)} MB at most, ${((cpu.user + cpu.system) / million).toFixed(1)} s of CPU`,
  )
}

/** 500 changes a second in transactions of one row. */
async function liveBench(): Promise<void> {
  await using world = await benchWorld()
  await seed(world.client, 1, 10_000)
  const floor = await oneUpsertP95(world.salesforceUrl, 500)
  const engine = await startEngineChild(world.config)
  await engine.settle()
  await engine.figures()
  const sent = await write(world.client, 500, seconds)
  await engine.settle()
  const { durations, rssMax } = await engine.figures()
  await engine.stop()
  const [p50, p95, p99] = [50, 95, 99].map((p) => percentile(durations, p).toFixed(0))
  say(
    `live, commit to confirmed   p50 ${p50} ms   p95 ${p95} ms   p99 ${p99} ms   floor (one upsert, p95) ${floor.toFixed(1)} ms`,
  )
  say(
    `  ${fix(sent / seconds)} changes/s for ${seconds} s, ${durations.length} confirmed one by one, ${Math.round(rssMax / million)} MB at most`,
  )
}

async function write(
  client: { query: (sql: string, values: unknown[]) => Promise<unknown> },
  perSecond: number,
  forSeconds: number,
): Promise<number> {
  const started = performance.now()
  let sent = 0
  while (performance.now() - started < forSeconds * 1000) {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond)
    for (; sent < due; sent++)
      await client.query('UPDATE members SET city = $2, updated_at = now() WHERE id = $1', [
        1 + ((sent * 7919) % 10_000),
        `City ${sent}`,
      ])
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return sent
}

/** The greatest resident memory at 10,000, 100,000 and a million records: it must not grow with them. */
async function memoryBench(): Promise<void> {
  const peaks: string[] = []
  for (const size of [10_000, 100_000, big]) {
    await using world = await benchWorld()
    await seed(world.client, 1, size)
    const started = performance.now()
    const engine = await startEngineChild(world.config)
    await engine.settle()
    const took = (performance.now() - started) / 1000
    const { rssMax, heapAtMax, cpu } = await engine.figures()
    await engine.stop()
    const cpu_us = (cpu.user + cpu.system) / size
    peaks.push(
      `  ${fix(size)} records: ${Math.round(rssMax / million)} MB at most, of which heap ${Math.round(heapAtMax / million)} MB   ${fix(size / took)} records/s   ${fix(cpu_us)} us of CPU a record`,
    )
  }
  say(`resident memory of the engine, start of the process included\n${peaks.join('\n')}`)
}

function fix(value: number): string {
  return Math.round(value).toLocaleString('en')
}
