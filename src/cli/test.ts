import { runFixtures, type Tested } from '../app/fixtures.ts'
import { printable } from '../telemetry/sentence.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { counted, figure, wantsJson } from './output.ts'

/** `test [name]`: the user's own rows through mapping and validation, without any system. Exit code 1 when one is not as expected. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const { tested, unsaid } = await runFixtures(
    config,
    given.args['name'] ?? null,
    io.clock,
    new AbortController().signal,
  )
  const failed = tested.filter(({ problems }) => problems.length > 0)
  if (wantsJson(given, io)) {
    const tests = tested.map((one) => ({ ok: one.problems.length === 0, ...one }))
    io.out(
      JSON.stringify(
        { ok: failed.length === 0, passed: tested.length - failed.length, failed: failed.length, unsaid, tests },
        null,
        2,
      ),
    )
  } else for (const line of [...lines(tested, failed.length), ...unsaid]) io.out(line)
  return failed.length === 0 ? exits.ok : exits.failed
}

function* lines(tested: readonly Tested[], failed: number): Generator<string> {
  let file = ''
  for (const one of tested) {
    if (one.file !== file) yield one.file
    file = one.file
    yield `  ${one.problems.length === 0 ? 'ok  ' : 'FAIL'}  ${printable(one.name)}${one.problems.length === 0 ? '' : `  (line ${one.line})`}`
    for (const problem of one.problems) yield `          ${printable(problem)}`
  }
  yield `${counted(tested.length, 'test')}: ${figure(tested.length - failed)} as expected, ${figure(failed)} not.`
}
