const head = `# yaml-language-server: $schema=./syncline.schema.json
# Check it with \`syncline lint\`; every key is described in docs/reference/config.md.
version: 1

# Folder of journal and state. One engine at a time; a local disk, never a network share.
state: ./data
`

/** syncline.yaml as \`init\` writes it. */
export const startText = `${head}
systems:
  # The legacy database. Its user needs LOGIN, REPLICATION and SELECT; \`syncline conns test\` says what is missing.
  legacy:
    type: postgres
    url: "\${LEGACY_URL}"
  crm:
    type: salesforce
    url: "\${SF_URL}"
    auth: { flow: client-credentials, clientId: "\${SF_CLIENT_ID}", clientSecret: "\${SF_CLIENT_SECRET}" }

syncs:
  members:
    source:
      system: legacy
      table: public.members
      # Rows for which this is true belong to the sync (CEL). A row that leaves it follows \`deletes\`.
      # where: "row.status != 'test'"
      # Columns of a joined table are known as membership.<column>.
      # join:
      #   membership: { table: public.memberships, on: { member_id: id }, take: { latest: expiry_date } }
    target:
      system: crm
      object: Contact
      # The field that identifies a record: external id and unique.
      key: { Legacy_Id__c: id }
    fields:
      FirstName: first_name
      LastName: last_name
      Email: { from: email, transform: [trim, email] }
      # Membership_Status__c: { from: membership.status, map: { A: Active, L: Lapsed } }
      # Full_Name__c: { expr: "row.first_name + ' ' + row.last_name" }
    # A record that fails a check is quarantined alone, with the reason.
    validate:
      schema: { type: object, required: [LastName] }
    # ignore: leave the record; soft: set a field to true; hard: delete it. The guard stops mass deletes.
    deletes: { policy: ignore }

# API, metrics and health, on this machine only.
server: { port: 8480 }
`

/** The member scenario against the emulator. */
export const demoText = `${head}
systems:
  legacy:
    type: postgres
    url: "\${LEGACY_URL}"
  crm:
    type: salesforce
    # syncline emulate salesforce --setup salesforce.yaml --state ./salesforce
    url: "\${SF_URL:http://127.0.0.1:8990}"
    auth: { flow: client-credentials, clientId: syncline, clientSecret: "\${SF_CLIENT_SECRET}" }

syncs:
  members:
    source:
      system: legacy
      table: members_db.members
      where: "row.status != 'test'"
      join:
        membership: { table: members_db.memberships, on: { member_id: id }, take: { latest: expiry_date } }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      FirstName: first_name
      LastName: last_name
      Email: { from: email, transform: [trim, email] }
      MailingCity: city
      MailingPostalCode: postal_code
      Membership_Status__c: { from: membership.status, map: { A: Active, L: Lapsed, P: Pending, C: Cancelled } }
    validate:
      schema: { type: object, required: [LastName] }
    deletes: { policy: soft, field: Deleted__c, guard: { percent: 5, rows: 500 } }

server: { port: 8480 }
`

/** The Salesforce organisation of the member scenario, for \`syncline emulate salesforce --setup\`. */
export const demoSetup = `# What an administrator would have set up: syncline emulate salesforce --setup salesforce.yaml
organization: { name: Members }
objects:
  Contact:
    fields:
      Legacy_Id__c: { type: text, length: 40, externalId: true, unique: true, caseSensitive: false }
      Membership_Status__c: { type: picklist, values: [Active, Lapsed, Pending, Cancelled], restricted: true }
      Deleted__c: { type: checkbox, default: false }
`

/** The variables that the configuration names. */
export const environmentText = (isDemo: boolean): string =>
  `# Copy to .env (chmod 0600), which \`syncline\` reads beside its configuration. Never commit .env.
LEGACY_URL=postgres://syncline:password@localhost:5432/legacy
${isDemo ? 'SF_CLIENT_SECRET=syncline-secret' : 'SF_URL=https://example.my.salesforce.com\nSF_CLIENT_ID=\nSF_CLIENT_SECRET='}
`
