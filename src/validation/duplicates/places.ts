/** Names of countries and of parts of countries in one form. From general knowledge; codes are those of ISO 3166 and of the posts. */

const forms = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .trim()
      .split('\n')
      .flatMap((line) => {
        const names = line.trim().split(/\s*,\s*/)
        return names.map((name) => [name, names[0]!] as const)
      }),
  )

/** Folded words to a code; what is not here stays as it is. */
export const countryForms = forms(`
  us, usa, u s, u s a, united states, united states of america, america, vereinigte staaten, vereinigte staaten von amerika, etats unis, estados unidos, eeuu
  gb, gbr, uk, u k, united kingdom, great britain, britain, england, scotland, wales, northern ireland, grossbritannien, vereinigtes konigreich, royaume uni, reino unido
  de, deu, ger, germany, deutschland, allemagne, alemania, germania, duitsland, niemcy, brd, d
  at, aut, austria, osterreich, oesterreich, autriche, a
  ch, che, switzerland, schweiz, suisse, svizzera, suiza, zwitserland
  fr, fra, france, frankreich, francia, frankrijk, f
  it, ita, italy, italien, italia, italie, i
  es, esp, spain, spanien, espagne, espana, spagna, spanje, e
  pt, prt, portugal
  nl, nld, netherlands, the netherlands, holland, niederlande, pays bas, paises bajos, nederland
  be, bel, belgium, belgien, belgique, belgie
  lu, lux, luxembourg, luxemburg
  ie, irl, ireland, irland, irlande, republic of ireland, eire
  dk, dnk, denmark, danemark, danmark
  se, swe, sweden, schweden, suede, sverige
  no, nor, norway, norwegen, norvege, norge
  fi, fin, finland, finnland, finlande, suomi
  pl, pol, poland, polen, pologne, polska
  cz, cze, czech republic, czechia, tschechien, tschechische republik, cesko, ceska republika
  sk, svk, slovakia, slowakei, slovensko
  hu, hun, hungary, ungarn, hongrie, magyarorszag
  si, svn, slovenia, slowenien, slovenija
  hr, hrv, croatia, kroatien, hrvatska
  ro, rou, romania, rumanien
  bg, bgr, bulgaria, bulgarien
  gr, grc, greece, griechenland, grece
  tr, tur, turkey, turkei, turkiye, turquie
  ru, rus, russia, russian federation, russland, russie
  ua, ukr, ukraine
  ca, can, canada, kanada
  mx, mex, mexico, mexiko, mexique
  br, bra, brazil, brasil, brasilien, bresil
  ar, arg, argentina, argentinien
  cl, chl, chile
  co, col, colombia, kolumbien
  pe, per, peru
  au, aus, australia, australien, australie
  nz, nzl, new zealand, neuseeland
  in, ind, india, indien, inde
  cn, chn, china, chine, prc
  jp, jpn, japan, japon
  kr, kor, south korea, korea, republic of korea, sudkorea
  sg, sgp, singapore, singapur
  hk, hkg, hong kong
  tw, twn, taiwan
  vn, vnm, vietnam, viet nam
  th, tha, thailand
  ph, phl, philippines
  id, idn, indonesia
  my, mys, malaysia
  za, zaf, south africa, sudafrika
  ng, nga, nigeria
  eg, egy, egypt, agypten
  ma, mar, morocco, marokko, maroc
  il, isr, israel
  ae, are, united arab emirates, uae
  sa, sau, saudi arabia`)

/** States and provinces whose short form is no initial of the long one, or is as usual as it. */
export const regionForms = forms(`
  al, alabama
  ak, alaska
  az, arizona
  ar, arkansas
  ca, california
  co, colorado
  ct, connecticut
  de, delaware
  fl, florida
  ga, georgia
  hi, hawaii
  id, idaho
  il, illinois
  in, indiana
  ia, iowa
  ks, kansas
  ky, kentucky
  la, louisiana
  me, maine
  md, maryland
  ma, massachusetts
  mi, michigan
  mn, minnesota
  ms, mississippi
  mo, missouri
  mt, montana
  ne, nebraska
  nv, nevada
  nh, new hampshire
  nj, new jersey
  nm, new mexico
  ny, new york
  nc, north carolina
  nd, north dakota
  oh, ohio
  ok, oklahoma
  or, oregon
  pa, pennsylvania
  ri, rhode island
  sc, south carolina
  sd, south dakota
  tn, tennessee
  tx, texas
  ut, utah
  vt, vermont
  va, virginia
  wa, washington
  wv, west virginia
  wi, wisconsin
  wy, wyoming
  dc, district of columbia, washington dc
  ab, alberta
  bc, british columbia
  mb, manitoba
  nb, new brunswick
  nl, newfoundland, newfoundland and labrador
  ns, nova scotia
  on, ontario
  pe, prince edward island
  qc, quebec
  sk, saskatchewan
  nsw, new south wales
  vic, victoria
  qld, queensland
  tas, tasmania
  act, australian capital territory
  nt, northern territory`)
