import { rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { total } from '../../src/app/report.ts'
import { exitOf, exits } from '../../src/cli/exit.ts'
import { counted, duration, figure } from '../../src/cli/output.ts'
import { lines } from '../../src/cli/tell.ts'
import type { Failure } from '../../src/model/failure.ts'
import { editMembers } from './data/edits.ts'
import { type Filled, fill, keepSeed, keptSeed, type Legacy, nameOf, openLegacy } from './legacy.ts'
import type { Options } from './options.ts'
import { openSalesforce } from './salesforce.ts'
import type { Screen } from './screen.ts'
import { type Cause, checkConfig, type Syncline, startSyncline } from './syncline.ts'
import {
  byCause,
  catchingUpText,
  causeLines,
  doneLine,
  type Live,
  liveLines,
  liveText,
  progressLine,
  progressText,
  row,
} from './views.ts'

/** Where a run keeps its things. */
export type Places = { readonly config: string; readonly folder: string; readonly setup: string }

/** An ending that needs a sentence and no stack. */
export class Refusal extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const editsPerSecond = 20
const progressEvery_ms = 100
const liveEvery_ms = 1_000
/** Without a terminal, and for what is counted in the state. */
const plainEvery_ms = 5_000

/** What is running, and how to go on. */
type Run = {
  readonly options: Options
  readonly places: Places
  readonly screen: Screen
  readonly stop: AbortSignal
  readonly legacy: Legacy
  readonly syncline: Syncline
  readonly members: number
  /** Edits made so far. */
  edits: number
}

/** Starts everything, follows it to the end, takes it down again. Answers the exit code. */
export async function runScenario(
  options: Options,
  places: Places,
  screen: Screen,
  stop: AbortSignal,
): Promise<number> {
  checkConfig(places.config, { ...standIns(options.source), ...process.env })
  // Taken down in the opposite order: engine, generator, emulator, database.
  await using parts = new AsyncDisposableStack()
  const database = nameOf(options.source)
  screen.print(`\n${screen.paint.bold('Syncline')}  a legacy ${database}, kept in step with Salesforce\n`)
  const sentence = (error: Error) => Promise.reject(new Refusal(exits.connection, error.message))

  screen.show([row(database, 'starting …', screen.paint)])
  const data = join(places.folder, options.source)
  const legacy = await openLegacy(options.source, data, process.env['LEGACY_URL']).catch(sentence)
  parts.defer(() => legacy.stop())
  stop.throwIfAborted()
  const filled = await filledLegacy(options, places, legacy, screen, stop)
  const legacyUrl = await legacy.admit()
  const rows = `${figure(filled.members)} members, ${figure(filled.memberships)} memberships, ${filled.chapters} chapters`
  said(screen, database, `${legacy.where}  ${screen.paint.dim(rows)}`)

  screen.show([row('Salesforce', 'starting …', screen.paint)])
  const salesforce = await openSalesforce(join(places.folder, 'salesforce'), places.setup, process.env).catch(sentence)
  parts.defer(() => salesforce.stop())
  stop.throwIfAborted()
  said(screen, 'Salesforce', `${salesforce.url}  ${screen.paint.dim(salesforce.what)}`)
  salesforce.lost.then((why) => screen.print(why))

  const variables = {
    ...addressVariables(options.source, legacyUrl),
    PLATFORM_URL: legacy.url,
    SF_URL: salesforce.url,
    SF_SECRET: salesforce.secret,
    MEMBERS_STATE: join(places.folder, 'state'),
  }
  await writeVariables(places, variables)
  const editing = new AbortController()
  const generator = { done: Promise.resolve() }
  parts.defer(async () => {
    editing.abort()
    await generator.done
  })
  screen.show([row('Syncline', 'asking both systems …', screen.paint)])
  const syncline = await startSyncline(places.config, { ...process.env, ...variables }, places.folder)
  parts.defer(() => syncline.stop())
  stop.throwIfAborted()
  const state = relative(process.cwd(), syncline.config.state) || '.'
  said(screen, 'State', `${state}  ${screen.paint.dim(syncline.resumed ? 'goes on where it stopped' : 'new')}`)
  const { port } = syncline.config.server
  const isOther = port !== 0 && new URL(syncline.url).port !== String(port)
  const why = isOther ? screen.paint.dim(`  ${port} is in use by another program`) : ''
  said(screen, 'Metrics', `${syncline.url}/metrics${why}`)
  const notes = syncline.warnings === 0 ? '' : `with ${counted(syncline.warnings, 'note')} from both systems`
  said(screen, 'Log', `${relative(process.cwd(), syncline.log)}  ${screen.paint.dim(notes)}`)
  screen.print()

  const run: Run = { options, places, screen, stop, legacy, syncline, members: filled.members, edits: 0 }
  const ended = Promise.race([syncline.engine.ended, aborted(stop)])
  ended.catch(() => {})
  const begin = () => {
    if (options.edits > 0) generator.done = edit(run, AbortSignal.any([stop, editing.signal]))
    return generator.done
  }
  return await (options.once ? toTheEnd(run, begin, ended) : forEver(run, begin, ended))
}

/** The database as configurations name it: by its address, or in pieces. */
function addressVariables(source: Options['source'], url: string): { readonly [name: string]: string } {
  const { hostname, port, username, password } = new URL(url)
  return {
    LEGACY_TYPE: source,
    LEGACY_URL: url,
    LEGACY_HOST: hostname,
    LEGACY_PORT: port,
    LEGACY_USER: decodeURIComponent(username),
    DB_PASSWORD: decodeURIComponent(password),
  }
}

/** For what is not known before the database runs, so that the configuration can be checked before anything is started. */
const standIns = (source: Options['source']): { readonly [name: string]: string } =>
  addressVariables(
    source,
    source === 'postgres' ? 'postgres://u:p@127.0.0.1:5432/legacy' : 'mysql://u:p@127.0.0.1:3306/legacy',
  )

function said(screen: Screen, label: string, text: string): void {
  screen.show([])
  screen.print(row(label, text, screen.paint))
}

/** What the configuration refers to, for commands in other terminals. */
async function writeVariables({ config }: Places, variables: { readonly [name: string]: string }): Promise<void> {
  const path = join(dirname(config), '.env')
  await rm(path, { force: true }) // so that its mode is ours
  const text = Object.entries(variables).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
  await writeFile(path, text.join(''), { mode: 0o600 })
}

async function filledLegacy(
  options: Options,
  places: Places,
  legacy: Legacy,
  screen: Screen,
  stop: AbortSignal,
): Promise<Filled> {
  await using platform = await legacy.connect().catch((error: Error) => {
    throw new Refusal(exits.connection, error.message)
  })
  const started_ms = performance.now()
  const { filled, seeded } = await fill(platform, options.members, (done, all) => {
    stop.throwIfAborted()
    const progress = { done, total: all, elapsed_ms: performance.now() - started_ms }
    screen.show([progressLine(nameOf(options.source), progress, screen.paint)])
  })
  if (seeded !== null) await keepSeed(places.folder, seeded)
  return filled
}

/** Edits until the signal or the count ends it. A generator that fails says so, and the sync goes on. */
async function edit(run: Run, signal: AbortSignal): Promise<void> {
  const { legacy, options, screen } = run
  const platform = await legacy.connect()
  try {
    const onEdit = () => {
      run.edits++
    }
    // Another seed for each start: new edits, not those of the last time once more.
    const count = Number.isFinite(options.edits) ? { edits: options.edits } : {}
    await editMembers(platform, { perSecond: editsPerSecond, seed: Date.now(), signal, onEdit, ...count })
  } catch (error) {
    if (!signal.aborted)
      screen.print(`The edits have ended: ${(error as Error).message}. Ctrl-C, then start again, to have them back.`)
  } finally {
    await platform[Symbol.asyncDispose]().catch(() => {})
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** Until everything that is committed is confirmed or has its reason; a progress bar shows the first snapshot. */
async function settle(run: Run, ended: Promise<void>): Promise<readonly Failure[]> {
  const { syncline, screen, members } = run
  const started_ms = performance.now()
  const progress = () => {
    const { delivered, parked, excluded, superseded } = syncline.watch.figures
    const done = Math.min(members, delivered + parked + excluded + superseded)
    return { done, total: members, elapsed_ms: performance.now() - started_ms }
  }
  const isSnapshot = !syncline.resumed || syncline.watch.figures.snapshot !== null
  const label = isSnapshot ? 'Snapshot' : 'Catching up'
  let isOver = false
  let told = ''
  const catchingUp = async () => {
    const { waiting } = await syncline.backlog()
    const text = row(label, catchingUpText(syncline.watch.figures.commits, waiting), screen.paint)
    if (isOver) return
    if (screen.isTerminal) screen.show([text])
    else if (text !== told) screen.print(text)
    told = text
  }
  const show = () => {
    if (!isSnapshot)
      catchingUp().catch(() => {}) // the engine is ending, and `ended` says why
    else if (screen.isTerminal) screen.show([progressLine(label, progress(), screen.paint)])
    else screen.print(progressText(label, progress()))
  }
  const timer = setInterval(show, screen.isTerminal ? progressEvery_ms : plainEvery_ms)
  try {
    const failures = await Promise.race([syncline.engine.settled(), ended.then(() => [])])
    isOver = true
    const { elapsed_ms } = progress()
    const { delivered } = syncline.watch.figures
    const rate = screen.paint.dim(`in ${duration(elapsed_ms)}, ${figure((delivered * 1_000) / elapsed_ms)} a second`)
    screen.show([])
    if (!isSnapshot) screen.print(row(label, `${figure(delivered)} confirmed since the last start`, screen.paint))
    else if (screen.isTerminal) screen.print(doneLine(label, `${figure(delivered)} confirmed ${rate}`, screen.paint))
    else screen.print(row(label, `${figure(delivered)} confirmed ${rate}`, screen.paint))
    return failures
  } finally {
    isOver = true
    clearInterval(timer)
  }
}

/** `--once`: the numbers, for people and as JSON. */
async function toTheEnd(run: Run, begin: () => Promise<void>, ended: Promise<void>): Promise<number> {
  const { syncline, screen, places } = run
  const started_ms = performance.now()
  let failures = await settle(run, ended)
  if (run.options.edits > 0 && failures.length === 0) {
    await Promise.race([begin(), ended])
    failures = await Promise.race([syncline.engine.settled(), ended.then(() => [])])
  }
  const durationSeconds = Math.round(performance.now() - started_ms) / 1_000
  const classes = total(await syncline.engine.report())
  const causes = await syncline.causes()
  const { parked } = await syncline.backlog()
  await explain(places, { ...classes, parked }, causes, screen)
  for (const line of lines(failures)) screen.print(line)
  process.stdout.write(`${JSON.stringify({ sync: 'members', ...classes, durationSeconds })}\n`)
  return failures[0] === undefined ? exits.ok : exitOf(failures[0].code)
}

/** What came of the members, beside what the generator of the data meant. */
async function explain(
  places: Places,
  { parked, excluded: left }: { readonly parked: number; readonly excluded: number },
  causes: readonly Cause[],
  screen: Screen,
): Promise<void> {
  const { paint } = screen
  screen.print(row('Quarantine', `${figure(parked)} ${byCause}:`, paint))
  for (const line of causeLines(causes, paint)) screen.print(line)
  screen.print(row('Excluded', `${figure(left)} by the filter`, paint))
  const seed = await keptSeed(places.folder)
  if (seed === null) return
  const { members, failing, excluded, softDeleted } = seed
  const meant = [
    `made ${figure(members)} members and spoiled ${figure(failing)}; \`trim\` mends some of these, or the filter takes them`,
    `meant ${excluded} test accounts and ${softDeleted} members marked as deleted for the filter; some are both`,
  ]
  for (const [i, line] of meant.entries()) screen.print(row(i === 0 ? 'Generator' : '', paint.dim(line), paint))
}

/** Until Ctrl-C: the snapshot, then live figures. */
async function forEver(run: Run, begin: () => Promise<void>, ended: Promise<void>): Promise<number> {
  const { syncline, screen, stop } = run
  const failures = await settle(run, ended)
  for (const line of lines(failures)) screen.print(line)
  screen.print()
  begin()
  const started_ms = performance.now()
  let causes: readonly Cause[] = []
  let causesDue_ms = 0
  let isBusy = false
  let told = ''
  const look = async (): Promise<Live> => {
    if (performance.now() >= causesDue_ms) {
      causes = await syncline.causes()
      causesDue_ms = performance.now() + plainEvery_ms
    }
    return {
      figures: syncline.watch.figures,
      p95_ms: syncline.watch.p95_ms(),
      ...(await syncline.backlog()),
      causes,
      edits: run.edits,
      editsPerSecond: run.options.edits > run.edits ? editsPerSecond : 0,
      elapsed_ms: performance.now() - started_ms,
      config: relative(process.cwd(), run.places.config),
    }
  }
  const show = async () => {
    if (isBusy) return
    isBusy = true
    try {
      const live = await look()
      if (stop.aborted) return
      if (screen.isTerminal) screen.show(liveLines(live, screen.paint, screen.rows()))
      else if (liveText(live) !== told) {
        told = liveText(live) // an idle sync is silent
        screen.print(told)
      }
    } catch {
      // the engine is ending, and `ended` says why
    } finally {
      isBusy = false
    }
  }
  void show()
  const timer = setInterval(show, screen.isTerminal ? liveEvery_ms : plainEvery_ms)
  try {
    await ended
    return exits.ok
  } catch (error) {
    if (error !== stop.reason) throw error
    screen.keep()
    screen.print('\n  Stopping. The next start goes on from here.')
    return exits.ok
  } finally {
    clearInterval(timer)
  }
}
