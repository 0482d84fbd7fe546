/**
 * How the configurations of tests begin: PostgreSQL at LEGACY_URL as `legacy`, and Salesforce with the secret SF_SECRET as `crm`,
 * which is the last one, so that a test may add options to it. The emulator knows the client without a set-up.
 * @param crmUrl as it stands in the file: an address, or a reference in quotes
 */
export const systemsYaml = (crmUrl: string): string => `version: 1
state: ./data
systems:
  legacy: { type: postgres, url: "\${LEGACY_URL}" }
  crm:
    type: salesforce
    url: ${crmUrl}
    auth: { flow: client-credentials, clientId: syncline, clientSecret: "\${SF_SECRET}" }
`
