import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../std/secret.ts'
import { postgresSchema, settingsOf as postgresSettings } from './postgres/options.ts'
import { salesforceOptions, settingsOf as salesforceSettings } from './salesforce/options.ts'

const clientSecret = new Secret('${SF_SECRET}', () => 'secret')
const auth = { flow: 'client-credentials', clientId: 'app', clientSecret } as const
const filled: { readonly [type: string]: readonly [object, object] } = {
  postgres: [postgresSchema.properties, postgresSettings({ name: 'legacy', url: 'postgres://me@db/legacy' })],
  salesforce: [salesforceOptions.properties, salesforceSettings({ url: 'https://example.my.salesforce.com', auth })],
}

for (const [type, [properties, settings]] of Object.entries(filled))
  test(`${type}: options that are not given have the defaults that the schema documents`, () => {
    let compared = 0
    for (const [name, { default: documented }] of Object.entries<{ default?: unknown }>({ ...properties })) {
      if (documented === undefined) continue
      assert.equal((settings as Record<string, unknown>)[name], documented, name)
      compared++
    }
    assert.ok(compared >= 7, `only ${compared} options have a default`)
  })
