/**
 * Names, places and telephone numbers of several cultures. Invented combinations: e-mail domains are those reserved
 * for examples (RFC 2606), and the numbers lie in the ranges that regulators keep for fiction where there are such
 * (NANP 555-01xx, Ofcom 07700 900xxx, Bundesnetzagentur 030 23125xxx, ARCEP 06 39 98 xx xx).
 */

/** One culture. `phones` holds patterns in which `#` stands for a digit. */
type Culture = {
  readonly country: string
  readonly first: readonly string[]
  readonly last: readonly string[]
  readonly cities: readonly (readonly [city: string, postal: string])[]
  readonly streets: readonly string[]
  readonly phones: readonly string[]
}

const words = (text: string): string[] => text.split(' ')

/** Members and chapters are of one of them each. */
export const cultures: readonly Culture[] = [
  {
    country: 'US',
    first: words(
      'James Mary Robert Patricia Michael Linda Keisha DeShawn Emily Tyler Ashley Jamal Grace Walter Ruth Noah',
    ),
    last: words(
      "Smith Johnson Williams Brown O'Connor Miller Davis Washington McAllister Wilson Jefferson Moore Lewis Van-Buren",
    ),
    cities: [
      ['Springfield', '62701'],
      ['Portland', '97201'],
      ['Boston', '02108'],
      ['Austin', '73301'],
      ['St. Paul', '55101'],
    ],
    streets: ['Main Street', 'Oak Avenue', 'Maple Drive', 'Washington Blvd', 'N 3rd St Apt'],
    phones: ['(312) 555-01##', '617-555-01##', '+1 503 555 01##', '512.555.01##', '1-651-555-01##', '31255501##'],
  },
  {
    country: 'GB',
    first: words('Oliver Amelia Harry Isla George Freya Alfie Imogen Rhys Siân Callum Eilidh Graham Maureen'),
    last: words(
      "Taylor Davies Evans Thomas Roberts Hughes Llewellyn MacDonald O'Neill Fitzgerald Harrison-Clarke Patel Khan",
    ),
    cities: [
      ['London', 'SW1A 1AA'],
      ['Leeds', 'LS1 4DY'],
      ['Cardiff', 'CF10 1EP'],
      ['Glasgow', 'G2 1DU'],
    ],
    streets: ['High Street', 'Church Lane', 'Station Road', 'Victoria Terrace'],
    phones: ['07700 900###', '+44 7700 900###', '0044 7700 900 ###', '020 7946 0###'],
  },
  {
    country: 'DE',
    first: words('Jürgen Sabine Wolfgang Käthe Lukas Björn Annika Hans-Peter Ursula Jonas Mia Günther Heike Matthias'),
    last: words(
      'Müller Schmidt Schneider Fischer Weiß Meyer Schäfer Köhler Groß Krüger Jäger Lehmann Freiherr-von-Stein',
    ),
    cities: [
      ['Berlin', '10115'],
      ['Köln', '50667'],
      ['München', '80331'],
      ['Görlitz', '02826'],
    ],
    streets: ['Hauptstraße', 'Bahnhofstr.', 'Gartenweg', 'Schillerplatz'],
    phones: ['030 23125###', '+49 30 23125 ###', '(030) 23125-###', '0221 4710 ###'],
  },
  {
    country: 'FR',
    first: words('Élodie François Jean-Luc Chloé Noémie Benoît Zoé Théo Geneviève Aurélien Inès Mathéo Fatima Loïc'),
    last: [
      'Lefèvre',
      'Dubois',
      "D'Arcy",
      'Moreau',
      'Çelik-Martin',
      'Béranger',
      'de La Tour',
      'Petit',
      'Garnier',
      'Benali',
      'Guérin',
    ],
    cities: [
      ['Paris', '75004'],
      ['Lyon', '69002'],
      ['Nîmes', '30000'],
      ['Saint-Étienne', '42000'],
    ],
    streets: ['rue de la République', 'avenue Foch', 'impasse des Lilas'],
    phones: ['06 39 98 ## ##', '+33 6 39 98 ## ##', '01.99.00.##.##', '06399812##'],
  },
  {
    country: 'ES',
    first: words('José María Lucía Álvaro Begoña Íñigo Pilar Sofía Joaquín Núria Andrés Xavier Concepción'),
    last: [
      'García López',
      'Fernández',
      'Muñoz',
      'Ibáñez',
      'Martínez de la Rosa',
      'Peña',
      'Etxeberria',
      'Puig i Cadafalch',
      'Núñez',
    ],
    cities: [
      ['Madrid', '28013'],
      ['Cádiz', '11001'],
      ['A Coruña', '15001'],
    ],
    streets: ['Calle Mayor', 'Avda. de la Constitución', 'Plaza de España'],
    phones: ['+34 600 00# ###', '91 000 ## ##', '600-00#-###'],
  },
  {
    country: 'PL',
    first: words('Łukasz Małgorzata Paweł Agnieszka Zbigniew Żaneta Stanisław Ewa Grzegorz Kasia'),
    last: words('Wójcik Kowalski Wiśniewska Dąbrowski Zielińska Szczepański Grabowska Żukowski Brzęczyszczykiewicz'),
    cities: [
      ['Kraków', '31-008'],
      ['Łódź', '90-001'],
      ['Gdańsk', '80-001'],
    ],
    streets: ['ul. Długa', 'ul. Mickiewicza', 'al. Niepodległości'],
    phones: ['+48 500 000 ###', '22 000 ## ##', '500000###'],
  },
  {
    country: 'TR',
    first: words('Mehmet Ayşe Çağla İbrahim Gökhan Şule Ömer Zeynep Işıl Tuğba'),
    last: words('Yılmaz Öztürk Çelik Şahin Güneş Aydın Kılıç Doğan'),
    cities: [
      ['İstanbul', '34000'],
      ['İzmir', '35000'],
      ['Muğla', '48000'],
    ],
    streets: ['Atatürk Caddesi', 'İstiklal Sokak'],
    phones: ['+90 500 000 ## ##', '0500 000 ## ##'],
  },
  {
    country: 'IN',
    first: words('Aarav Priya Rahul Ananya Venkatesh Lakshmi Arjun Deepika Sanjay Meera Harpreet Mohammed'),
    last: words('Sharma Iyer Patel Singh Subramanian Chatterjee Reddy Kaur Nair Venkataraghavan Khan'),
    cities: [
      ['Mumbai', '400001'],
      ['Chennai', '600001'],
      ['Kolkata', '700001'],
    ],
    streets: ['MG Road', 'Park Street', '2nd Cross, 4th Main'],
    phones: ['+91 90000 00###', '090000-00###', '022 0000 0###'],
  },
  {
    country: 'NG',
    first: words('Chinedu Ngozi Oluwaseun Amina Emeka Folake Ifeoma Yusuf Adaeze Babatunde'),
    last: words('Okafor Adeyemi Balogun Nwosu Abubakar Eze Ogunleye Danjuma'),
    cities: [
      ['Lagos', '100001'],
      ['Abuja', '900001'],
      ['Kano', '700001'],
    ],
    streets: ['Broad Street', 'Ahmadu Bello Way'],
    phones: ['+234 800 000 0###', '0800-000-0###'],
  },
  {
    country: 'VN',
    first: ['Thị Hương', 'Văn Đức', 'Quốc Bảo', 'Ngọc Ánh', 'Minh', 'Thùy Linh', 'Hữu Phước'],
    last: words('Nguyễn Trần Lê Phạm Huỳnh Đặng Võ Bùi'),
    cities: [
      ['Hà Nội', '100000'],
      ['Đà Nẵng', '550000'],
      ['Huế', '530000'],
    ],
    streets: ['Đường Lê Lợi', 'Phố Huế'],
    phones: ['+84 900 000 ###', '0900 000 ###'],
  },
  {
    country: 'BR',
    first: words('João Márcia Antônio Conceição Luís Letícia Sebastião Tainá Caíque Fábio'),
    last: ['da Silva', 'Gonçalves', 'Araújo', 'dos Santos', 'Magalhães', 'Assunção', 'Ribeiro Neto'],
    cities: [
      ['São Paulo', '01001-000'],
      ['Maceió', '57020-000'],
      ['Brasília', '70040-010'],
    ],
    streets: ['Rua das Flores', 'Av. Paulista', 'Travessa São João'],
    phones: ['+55 11 90000-0###', '(11) 90000 0###'],
  },
  {
    country: 'JP',
    first: words('Haruto Yui Sōta Aoi Ren Hina 健一 美咲 花子 太郎'),
    last: words('Satō Suzuki Takahashi Tanaka Itō Yamamoto 佐藤 鈴木 高橋'),
    cities: [
      ['東京', '100-0001'],
      ['Ōsaka', '530-0001'],
      ['京都', '600-8001'],
    ],
    streets: ['Marunouchi', 'Nakagyō-ku', '本町'],
    phones: ['+81 90 0000 0###', '090-0000-0###'],
  },
  {
    country: 'SE',
    first: words('Åsa Björn Linnéa Göran Märta Örjan Elsa Håkan Saga Nils'),
    last: words('Åkesson Lindström Sjögren Öberg Bergqvist Nyström Hägg af-Ugglas'),
    cities: [
      ['Göteborg', '411 03'],
      ['Malmö', '211 20'],
      ['Umeå', '903 26'],
    ],
    streets: ['Storgatan', 'Kungsvägen', 'Ängsstigen'],
    phones: ['070-174 06 ##', '+46 70 174 06 ##', '08-465 004 ##'],
  },
]

/** What chapters are called, before the city. */
export const chapterNames: readonly string[] = words(
  'Northern Southern Eastern Western Central Coastal Alpine Capital Lakeside Metropolitan Harbour Prairie Island Highland Riverside University Research Industry International Online',
)

/** What clerks write into a notes column. Long notes are built of these. */
export const noteSentences: readonly string[] = [
  'Called about the annual meeting; will ring back.',
  'Prefers letters to e-mail, except for invoices.',
  'Address checked against the returned newsletter.',
  'Paid by cheque, see folder 7.',
  'Transferred from the old card index, original application missing.',
  'Asked to be listed under her maiden name.',
  'Speaks at the spring conference; hotel booked.',
  'Überweisung ohne Verwendungszweck, zugeordnet.',
  'Ne pas appeler le matin.',
  'Discount granted by the board until further notice.',
  'Wants a receipt for "services", not for "dues".',
  'Merged with a second record by hand; check the phone number.',
  'Bounced twice.\tCorrected from business card.',
  'Volunteer since the founding; handle with care!',
]

/** ASCII letters of a name, for e-mail addresses; null where none are left (names in Japanese script). */
export function ascii(name: string): string | null {
  const special: Readonly<Record<string, string>> = { ß: 'ss', ł: 'l', đ: 'd', ı: 'i', ø: 'o' }
  const folded = name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[ßłđıø]/g, (letter) => special[letter]!)
    .replace(/[^a-z]/g, '')
  return folded === '' ? null : folded
}
