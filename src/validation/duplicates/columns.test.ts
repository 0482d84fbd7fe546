import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRow, type Value } from '../../model/value.ts'
import { featuresOf, fieldsRead } from './features.ts'
import type { DuplicatesOptions } from './options.ts'
import { planOf } from './plan.ts'

/** What is compared, as `column:kind`; columns that are compared as one are joined by `+`. */
const compared = (columns: string, options: DuplicatesOptions = {}) =>
  planOf(options, columns.split(' ')).fields.map(({ name, kind, parts }) => `${(parts ?? [name]).join('+')}:${kind}`)

/** A table, its columns, and what is to be seen in them; all other columns say nothing of who somebody is. */
const tables: readonly (readonly [string, string, string])[] = [
  [
    'a contact of Salesforce',
    'Salutation FirstName MiddleName LastName Suffix Name Email Phone MobilePhone AssistantPhone AssistantName Fax Birthdate Title MailingStreet MailingCity MailingStateCode MailingPostalCode MailingCountryCode OwnerId HasOptedOutOfEmail EmailBouncedDate DoNotCall',
    'FirstName+MiddleName:given-name LastName+Suffix:family-name Email:email Phone:phone MobilePhone:phone Birthdate:date-of-birth MailingStreet:street MailingCity:city MailingStateCode:region MailingPostalCode:postcode MailingCountryCode:country',
  ],
  [
    'a lead of Salesforce',
    'FirstName LastName Company Title Email MobilePhone Website Street City State PostalCode Country NumberOfEmployees Status LeadSource',
    'FirstName:given-name LastName:family-name Company:organisation Email:email MobilePhone:phone Website:website Street:street City:city State:region PostalCode:postcode Country:country',
  ],
  [
    'an account of Salesforce',
    'Name AccountNumber Phone Website BillingStreet BillingCity BillingPostalCode ShippingStreet Industry DunsNumber ParentId',
    'Name:organisation Phone:phone Website:website BillingStreet:street BillingCity:city BillingPostalCode:postcode ShippingStreet:street DunsNumber:identifier',
  ],
  [
    'a person account',
    'FirstName LastName PersonEmail PersonMobilePhone PersonBirthdate PersonMailingStreet PersonMailingPostalCode Gender__pc',
    'FirstName:given-name LastName:family-name PersonEmail:email PersonMobilePhone:phone PersonBirthdate:date-of-birth PersonMailingStreet:street PersonMailingPostalCode:postcode',
  ],
  [
    'an object of one’s own, with a prefix and a package',
    'Member_No__c Member_First_Name__c Member_Last_Name__c Member_Email__c Date_of_Birth__c npsp__HomePhone__c Zip_Code__c Joined_On__c',
    'Member_First_Name__c:given-name Member_Last_Name__c:family-name Member_Email__c:email Date_of_Birth__c:date-of-birth npsp__HomePhone__c:phone Zip_Code__c:postcode',
  ],
  [
    'a contact of HubSpot',
    'firstname lastname email phone mobilephone date_of_birth address city state zip country company website jobtitle lifecyclestage work_email hs_email_domain createdate',
    'firstname:given-name lastname:family-name email:email phone:phone mobilephone:phone date_of_birth:date-of-birth address:street city:city state:region zip:postcode country:country company:organisation website:website work_email:email',
  ],
  [
    'a contact of Dynamics',
    'firstname lastname fullname emailaddress1 telephone1 birthdate address1_line1 address1_line2 address1_city address1_stateorprovince address1_postalcode gendercode',
    'firstname:given-name lastname:family-name emailaddress1:email telephone1:phone birthdate:date-of-birth address1_line1:street address1_city:city address1_stateorprovince:region address1_postalcode:postcode',
  ],
  [
    'an old table of members',
    'mbr_id mbr_first mbr_last mbr_mi mbr_dob mbr_ssn mbr_addr1 mbr_addr2 mbr_zip mbr_phone1 mbr_phone2 mbr_status',
    'mbr_first+mbr_mi:given-name mbr_last:family-name mbr_dob:date-of-birth mbr_ssn:identifier mbr_addr1:street mbr_zip:postcode mbr_phone1:phone mbr_phone2:phone',
  ],
  [
    'a register of voters',
    'voter_id last_name first_name midl_name name_sufx_cd house_num street_name res_city_desc zip_code full_phone_number birth_year age',
    'last_name+name_sufx_cd:family-name first_name+midl_name:given-name house_num+street_name:street res_city_desc:city zip_code:postcode full_phone_number:phone birth_year:date-of-birth',
  ],
  [
    'columns with short names',
    'fname_c1 fname_c2 lname_c1 lname_c2 by bm bd',
    'fname_c1+fname_c2:given-name lname_c1+lname_c2:family-name by+bm+bd:date-of-birth',
  ],
  [
    'day, month and year beside a name',
    'given_name surname street_number address_1 suburb day month year',
    'given_name:given-name surname:family-name street_number+address_1:street suburb:city year+month+day:date-of-birth',
  ],
  [
    'German',
    'Mitgliedsnr Anrede Vorname Name Geburtsdatum Strasse Hausnr PLZ Ort Telefon E-Mail',
    'Vorname:given-name Name:family-name Geburtsdatum:date-of-birth Hausnr+Strasse:street PLZ:postcode Ort:city Telefon:phone E-Mail:email',
  ],
  [
    'French',
    'civilite nom prenom date_naissance code_postal courriel',
    'nom:family-name prenom:given-name date_naissance:date-of-birth code_postal:postcode courriel:email',
  ],
  [
    'Spanish',
    'nombre apellido1 apellido2 fecha_nacimiento dni telefono',
    'nombre:given-name apellido1+apellido2:family-name fecha_nacimiento:date-of-birth dni:identifier telefono:phone',
  ],
  [
    'Italian',
    'nome cognome codice_fiscale indirizzo civico cap',
    'nome:given-name cognome:family-name codice_fiscale:identifier civico+indirizzo:street cap:postcode',
  ],
  ['a name alone, of people', 'name gender email', 'name:full-name email:email'],
  ['a name alone, of firms', 'ContactName name domain', 'name:organisation domain:website'],
]

for (const [table, columns, expected] of tables)
  test(`columns of ${table}`, () => {
    assert.deepEqual(compared(columns).sort(), expected.split(' ').sort())
  })

test('columns of somebody else, and what is about a column, are not compared', () => {
  assert.deepEqual(
    compared(
      'Email AssistantPhone spouse_first_name doctor_name EmailBouncedReason email_verified phone_type country_id birthdate_source mother_dob zip4',
    ),
    ['Email:email'],
  )
})

test('what the options say of a column stands by itself; so does a column of a key', () => {
  assert.deepEqual(compared('first middle last by bm bd', { fields: { by: 'number', middle: 'text' } }), [
    'first:given-name',
    'middle:text',
    'last:family-name',
    'by:number',
  ])
  assert.deepEqual(compared('Name FirstName LastName', { fields: { Name: 'full-name' } }), [
    'Name:full-name',
    'FirstName:given-name',
    'LastName:family-name',
  ])
  assert.deepEqual(compared('first mi last', { keys: [['last', 'mi']] }), [
    'first:given-name',
    'mi:identifier',
    'last:family-name',
  ])
})

const features = (row: Readonly<Record<string, Value>>) =>
  featuresOf(Object.assign(newRow(), row), planOf({}, Object.keys(row)))

test('columns that say one thing are compared as one value', () => {
  assert.deepEqual(features({ first: 'Ada', mi: 'B.', last: 'Byron', suffix: 'Jr.' }), ['ada b', 'byron+jr'])
  assert.deepEqual(features({ first: 'Ada', mi: null, last: 'Byron', suffix: 'N/A' }), ['ada', 'byron'])
  assert.deepEqual(features({ email: '', first: null, mi: 'B', last: null, suffix: 'Jr' }), ['', '', ''])
  assert.deepEqual(features({ street: 'Elm Street', house_number: 12, zip: '01234' }), ['12 elm st', '01234'])
  assert.deepEqual(features({ street: null, house_number: 12, zip: '01234' }), ['', '01234'])
})

test('a birthday in three columns, also where a part of it is not known', () => {
  const born = (dob_year: Value, dob_mon: Value, dob_day: Value) => features({ dob_year, dob_mon, dob_day })[0]
  const dated = (dob_year: Value, dob_mon: Value, dob_day: Value) =>
    features({ surname: 'x', dob_year, dob_mon, dob_day })[1]
  assert.equal(dated(1975, 3, 9), '19750309')
  assert.equal(dated('75', '03', '09'), '19750309')
  assert.equal(dated(1975, null, null), '19750000')
  assert.equal(dated(1975, 3, null), '19750300')
  assert.equal(dated(null, 3, 9), '00000309')
  assert.equal(dated(null, 3, null), '')
  assert.equal(dated(null, null, null), '')
  assert.equal(born(1975, 3, 9), '19750309')
})

test('all columns that are compared are read', () => {
  assert.deepEqual(fieldsRead(planOf({}, ['last', 'by', 'bm', 'bd', 'note'])), ['last', 'by', 'bm', 'bd'])
})
