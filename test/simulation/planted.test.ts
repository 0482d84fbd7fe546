import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bugs } from './engine.ts'
import { simulate } from './simulate.ts'

/** Bugs that a prototype or a peer really had, and the seeds within which the oracles must notice each. */
const planted: readonly { bug: keyof Bugs; seeds: number; first?: number; withTwins?: true; notices: RegExp }[] = [
  { bug: 'positionFirst', seeds: 400, notices: /never reached the journal/ },
  { bug: 'twoEngines', seeds: 40, notices: /the engine stopped|O\d|I4/ },
  { bug: 'plainRetry', seeds: 60, notices: /I4|O4|O1/ },
  { bug: 'acceptedIsDelivered', seeds: 40, notices: /O1|O2|the engine stopped/ },
  { bug: 'forgetsLanes', seeds: 60, notices: /O1|O2/ },
  { bug: 'trimsUnread', seeds: 60, notices: /R2/ },
  { bug: 'skipsSweep', seeds: 200, notices: /O3/ },
  { bug: 'losesGap', seeds: 60, notices: /O2: \d+ (read|accounted)/ },
  { bug: 'forgetsNext', seeds: 60, notices: /O2/ },
  { bug: 'neverWaits', seeds: 60, notices: /W1/ },
  { bug: 'grabsIds', seeds: 60, notices: /the engine stopped|O\d/ },
  // It shows only where the engine dies while a changed external id is on its way.
  { bug: 'forgetsHeld', first: 300, seeds: 200, notices: /O\d|I4/ },
  { bug: 'untoldLeaders', seeds: 60, withTwins: true, notices: /O1|O9/ },
  { bug: 'plainMergeRetry', seeds: 400, withTwins: true, notices: /I4: two requests for record/ },
  { bug: 'forgetsTwins', seeds: 60, withTwins: true, notices: /the same and stand apart/ },
]

for (const { bug, seeds, first = 1, withTwins = false, notices } of planted)
  test(`the oracles notice a planted fault: ${bug}`, async () => {
    for (let seed = first; seed < first + seeds; seed++) {
      const { problems } = await simulate(seed, { [bug]: true }, withTwins)
      if (problems.some((problem) => notices.test(problem))) return
    }
    assert.fail(`none of ${seeds} seeds noticed ${bug}`)
  })
