/**
 * The standard objects that the emulator knows, with their ordinary fields.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/ (Account, Contact, Lead, User, Organization).
 */

import { type AddressValue, type Field, type FieldSpec, makeField, type ObjectSpec, type Row } from './schema.ts'

interface StandardObject extends ObjectSpec {
  readonly fields: readonly Field[]
}

const INDUSTRIES = [
  'Agriculture',
  'Banking',
  'Consulting',
  'Education',
  'Energy',
  'Government',
  'Healthcare',
  'Insurance',
]
const LEAD_SOURCES = ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other']
const SALUTATIONS = ['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.']

/** The system fields of every object: audit fields, the owner, and the mark of a soft delete. */
export function systemFields(options: { owner: boolean }): Field[] {
  const user = { type: 'reference', referenceTo: ['User'], onParentDelete: 'keep' } as const
  const fields: FieldSpec[] = [
    { name: 'IsDeleted', type: 'boolean', createable: false, updateable: false, label: 'Deleted' },
    { name: 'CreatedDate', type: 'datetime' },
    { name: 'CreatedById', ...user, relationshipName: 'CreatedBy' },
    { name: 'LastModifiedDate', type: 'datetime' },
    { name: 'LastModifiedById', ...user, relationshipName: 'LastModifiedBy' },
    { name: 'SystemModstamp', type: 'datetime' },
  ]
  if (options.owner) {
    fields.push({ name: 'OwnerId', ...user, relationshipName: 'Owner', nillable: false, defaultedOnCreate: true })
  }
  return fields.map((field) => makeField(field))
}

function master(object: string): Field {
  return makeField({
    name: 'MasterRecordId',
    type: 'reference',
    referenceTo: [object],
    relationshipName: 'MasterRecord',
    onParentDelete: 'keep',
  })
}

function address(prefix: string): Field[] {
  const part = (name: string, type: 'string' | 'textarea', length: number): Field =>
    makeField({ name: prefix + name, type, length, compoundFieldName: `${prefix}Address` })
  const value = (row: Row, name: string) => row.values[prefix + name] ?? null
  const read = (row: Row): AddressValue | null => {
    const whole: AddressValue = {
      city: value(row, 'City'),
      country: value(row, 'Country'),
      geocodeAccuracy: null,
      latitude: null,
      longitude: null,
      postalCode: value(row, 'PostalCode'),
      state: value(row, 'State'),
      street: value(row, 'Street'),
    }
    return Object.values(whole).every((each) => each === null) ? null : whole
  }
  return [
    part('Street', 'textarea', 255),
    part('City', 'string', 40),
    part('State', 'string', 80),
    part('PostalCode', 'string', 20),
    part('Country', 'string', 80),
    makeField({ name: `${prefix}Address`, type: 'address' }, read),
  ]
}

function personName(): Field[] {
  const full = (row: Row): string =>
    [row.values['FirstName'], row.values['LastName']].filter((part) => part != null).join(' ')
  return [
    makeField({ name: 'LastName', type: 'string', length: 80, nillable: false, compoundFieldName: 'Name' }),
    makeField({ name: 'FirstName', type: 'string', length: 40, compoundFieldName: 'Name' }),
    makeField({ name: 'Salutation', type: 'picklist', picklist: SALUTATIONS, length: 40, compoundFieldName: 'Name' }),
    makeField(
      { name: 'Name', type: 'string', length: 121, nameField: true, nillable: false, label: 'Full Name' },
      full,
    ),
  ]
}

const id = () => makeField({ name: 'Id', type: 'id', nillable: false, defaultedOnCreate: true })

function plain(...specs: FieldSpec[]): Field[] {
  return specs.map((spec) => makeField(spec))
}

/** Account, Contact, Lead, User and Organization. */
export function standardObjects(): StandardObject[] {
  return [account(), contact(), lead(), user(), organization()]
}

function account(): StandardObject {
  const parent = { type: 'reference', referenceTo: ['Account'] } as const
  return {
    name: 'Account',
    label: 'Account',
    labelPlural: 'Accounts',
    prefix: '001',
    fields: [
      id(),
      master('Account'),
      ...plain(
        { name: 'Name', type: 'string', nillable: false, nameField: true, label: 'Account Name' },
        {
          name: 'Type',
          type: 'picklist',
          picklist: ['Prospect', 'Customer', 'Partner', 'Other'],
          label: 'Account Type',
        },
        { name: 'ParentId', ...parent, relationshipName: 'Parent', childRelationshipName: 'ChildAccounts' },
        { name: 'Phone', type: 'phone' },
        { name: 'Fax', type: 'phone' },
        { name: 'AccountNumber', type: 'string', length: 40 },
        { name: 'Website', type: 'url' },
        { name: 'Industry', type: 'picklist', picklist: INDUSTRIES },
        { name: 'AnnualRevenue', type: 'currency', scale: 0 },
        { name: 'NumberOfEmployees', type: 'int' },
        { name: 'Description', type: 'textarea' },
        { name: 'Site', type: 'string', length: 80 },
        { name: 'AccountSource', type: 'picklist', picklist: LEAD_SOURCES },
      ),
      ...address('Billing'),
      ...address('Shipping'),
      ...systemFields({ owner: true }),
    ],
  }
}

function contact(): StandardObject {
  const to = (object: string) => ({ type: 'reference', referenceTo: [object] }) as const
  return {
    name: 'Contact',
    label: 'Contact',
    labelPlural: 'Contacts',
    prefix: '003',
    fields: [
      id(),
      master('Contact'),
      ...plain({
        name: 'AccountId',
        ...to('Account'),
        relationshipName: 'Account',
        childRelationshipName: 'Contacts',
        onParentDelete: 'cascade',
      }),
      ...personName(),
      ...plain(
        { name: 'Phone', type: 'phone', label: 'Business Phone' },
        { name: 'Fax', type: 'phone' },
        { name: 'MobilePhone', type: 'phone' },
        { name: 'HomePhone', type: 'phone' },
        { name: 'OtherPhone', type: 'phone' },
        { name: 'AssistantPhone', type: 'phone' },
        { name: 'ReportsToId', ...to('Contact'), relationshipName: 'ReportsTo' },
        { name: 'Email', type: 'email', idLookup: true },
        { name: 'Title', type: 'string', length: 128 },
        { name: 'Department', type: 'string', length: 80 },
        { name: 'AssistantName', type: 'string', length: 40 },
        { name: 'LeadSource', type: 'picklist', picklist: LEAD_SOURCES },
        { name: 'Birthdate', type: 'date' },
        { name: 'Description', type: 'textarea' },
        { name: 'HasOptedOutOfEmail', type: 'boolean', label: 'Email Opt Out' },
        { name: 'HasOptedOutOfFax', type: 'boolean', label: 'Fax Opt Out' },
        { name: 'DoNotCall', type: 'boolean' },
      ),
      ...address('Mailing'),
      ...address('Other'),
      ...systemFields({ owner: true }),
    ],
  }
}

function lead(): StandardObject {
  return {
    name: 'Lead',
    label: 'Lead',
    labelPlural: 'Leads',
    prefix: '00Q',
    fields: [
      id(),
      master('Lead'),
      ...personName(),
      ...plain(
        { name: 'Title', type: 'string', length: 128 },
        { name: 'Company', type: 'string', nillable: false },
        { name: 'Phone', type: 'phone' },
        { name: 'MobilePhone', type: 'phone' },
        { name: 'Fax', type: 'phone' },
        { name: 'Email', type: 'email', idLookup: true },
        { name: 'Website', type: 'url' },
        { name: 'Description', type: 'textarea' },
        { name: 'LeadSource', type: 'picklist', picklist: LEAD_SOURCES },
        {
          name: 'Status',
          type: 'picklist',
          picklist: ['Open - Not Contacted', 'Working - Contacted', 'Closed - Converted', 'Closed - Not Converted'],
          nillable: false,
          defaultedOnCreate: true,
          defaultValue: 'Open - Not Contacted',
          length: 40,
        },
        { name: 'Industry', type: 'picklist', picklist: INDUSTRIES, length: 40 },
        { name: 'Rating', type: 'picklist', picklist: ['Hot', 'Warm', 'Cold'], length: 40 },
        { name: 'AnnualRevenue', type: 'currency', scale: 0 },
        { name: 'NumberOfEmployees', type: 'int' },
        { name: 'HasOptedOutOfEmail', type: 'boolean' },
        { name: 'DoNotCall', type: 'boolean' },
        { name: 'IsConverted', type: 'boolean', createable: false, updateable: false },
      ),
      ...address(''),
      ...systemFields({ owner: true }),
    ],
  }
}

function user(): StandardObject {
  return {
    name: 'User',
    label: 'User',
    labelPlural: 'Users',
    prefix: '005',
    createable: false,
    fields: [
      id(),
      ...plain({ name: 'Username', type: 'string', length: 80, nillable: false, idLookup: true }),
      ...personName(),
      ...plain(
        { name: 'Email', type: 'email', length: 128, nillable: false },
        { name: 'Alias', type: 'string', length: 8 },
        { name: 'IsActive', type: 'boolean' },
        { name: 'TimeZoneSidKey', type: 'string', length: 40 },
        { name: 'LocaleSidKey', type: 'string', length: 40 },
        { name: 'LanguageLocaleKey', type: 'string', length: 40 },
        { name: 'UserType', type: 'string', length: 40 },
      ),
      ...systemFields({ owner: false }),
    ],
  }
}

function organization(): StandardObject {
  return {
    name: 'Organization',
    label: 'Organization',
    labelPlural: 'Organizations',
    prefix: '00D',
    createable: false,
    fields: [
      id(),
      ...plain(
        { name: 'Name', type: 'string', length: 80, nillable: false, nameField: true },
        { name: 'IsSandbox', type: 'boolean', createable: false, updateable: false },
        {
          name: 'OrganizationType',
          type: 'picklist',
          picklist: ['Developer Edition', 'Enterprise Edition'],
          length: 40,
        },
        { name: 'InstanceName', type: 'string', length: 5 },
        { name: 'LanguageLocaleKey', type: 'string', length: 40 },
        { name: 'TimeZoneSidKey', type: 'string', length: 40 },
      ),
      ...systemFields({ owner: false }),
    ],
  }
}
