import { checkOnline, compile, openSystems } from '../app/build.ts'
import { checkColumnTypes, checkFunctions, checkLookups } from '../app/checks.ts'
import { type Config, checksNotMade } from '../config/config.ts'
import type { Failure, Problem } from '../model/failure.ts'
import { configuration } from './configuration.ts'
import { exitOf, exits } from './exit.ts'
import { type Given, type Io, isSet } from './io.ts'
import { counted, wantsJson } from './output.ts'
import { lines, toldOf } from './tell.ts'

/** `lint`: everything that can be said of the configuration; with `--online` what the systems say of it. */
export async function execute(given: Given, io: Io): Promise<number> {
  let config: Config
  try {
    config = configuration(given, io)
  } catch (error) {
    if (!wantsJson(given, io)) throw error
    io.out(JSON.stringify({ ok: false, problems: toldOf(error).map((told) => ({ level: 'error', ...told })) }, null, 2))
    return exitOf(toldOf(error)[0].code)
  }
  const online = isSet(given, 'online')
  const functions = (await checkFunctions(config)).map((failure): Problem => ({ level: 'error', failure }))
  const problems = [...functions, ...(online ? await asked(config, io) : [])]
  const errors = problems.filter(({ level }) => level === 'error').map(({ failure }) => failure)
  const notMade = online ? [] : checksNotMade(config)
  if (wantsJson(given, io)) {
    const listed = problems.map(({ level, failure }) => ({ level, ...failure }))
    io.out(JSON.stringify({ ok: errors.length === 0, problems: listed, checksNotMade: notMade }, null, 2))
  } else {
    for (const { level, failure } of problems)
      if (level === 'warning') for (const line of lines([warned(failure)])) io.err(line)
    for (const line of lines(errors)) io.err(line)
    if (errors.length === 0) io.out(sentence(config, online))
    if (notMade.length > 0) io.out(`Not checked without the systems; \`syncline lint --online\` does:`)
    for (const line of notMade) io.out(`  ${line}`)
  }
  return errors[0] === undefined ? exits.ok : exitOf(errors[0].code)
}

/** Beside errors it must be seen that this stops nothing. */
const warned = (failure: Failure): Failure => ({ ...failure, message: `${failure.message} (warning)` })

async function asked(config: Config, io: Io): Promise<Problem[]> {
  const compiled = compile(config)
  const systems = await openSystems(config, compiled, io)
  try {
    const { signal } = new AbortController()
    return [
      ...(await checkOnline(config, compiled, systems, signal)),
      ...(await checkLookups(config, compiled, systems, signal)),
      ...(await checkColumnTypes(config, systems, signal)),
    ]
  } finally {
    await systems.close()
  }
}

function sentence(config: Config, online: boolean): string {
  const [systems, syncs] = [Object.keys(config.systems).length, Object.keys(config.syncs).length]
  const fits = online ? ', and the systems have all that it needs' : ''
  return `${config.path} is right: ${counted(systems, 'system')}, ${counted(syncs, 'sync')}${fits}.`
}
