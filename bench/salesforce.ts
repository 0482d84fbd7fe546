import { startSalesforceEmulator } from '../src/emulators/salesforce/server.ts'

/** The emulated Salesforce of a bench, in its own process: it shares the cores, as a real one would not. */
const text = (length: number) => ({ type: 'text', length }) as const
const salesforce = await startSalesforceEmulator({
  port: 0,
  setup: {
    limits: { dailyApiRequests: 100_000_000 },
    objects: {
      Contact: {
        fields: {
          Legacy_Id__c: { ...text(40), externalId: true, unique: true },
          Status__c: text(40),
          Member_Type__c: text(40),
          Joined__c: { type: 'date' },
          Deleted__c: { type: 'checkbox' },
        },
      },
    },
  },
})
process.send?.({ url: salesforce.url })
process.on('disconnect', () => process.exit(0))
