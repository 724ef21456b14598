import { describe, expect, it } from 'vitest'
import { ConfigError } from '../src/config/config-error.ts'
import { parseConfig } from '../src/config/parse.ts'

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key }) => key)
    throw error
  }
  return []
}

const HTTPS = '[[http]]\nhttps = true\n'
const addressesOf = (text: string): readonly string[] =>
  parseConfig(text).listeners.map(({ addresses, redirectHttps }) =>
    [`${addresses[0]?.host}:${addresses[0]?.port}`, redirectHttps].filter(Boolean).join(' to '),
  )

describe('tls', () => {
  it('is one certificate or several, with names where the file is asked not', () => {
    const one = parseConfig(`${HTTPS}[http.tls]\ncertificate = "c"\nkey = "k"`)
    expect(one.listeners[0]?.tls).toMatchObject([{ names: [], certificate: 'c', key: 'k' }])
    const many = parseConfig(
      `${HTTPS}[[http.tls]]\ncertificate = "c"\nkey = "k"\n[[http.tls]]\nnames = ["*.b.test"]\ncertificate = "d"\nkey = "l"`,
    )
    expect(many.listeners[0]?.tls).toMatchObject([
      { names: [], certificate: 'c', certificateWhere: { line: 4 } },
      { names: ['*.b.test'], certificate: 'd', keyWhere: { line: 9 } },
    ])
  })

  it.each([
    ['[[http.tls]]\ncertificate = "c"', 'http[0].tls[0].key'],
    ['tls = 1', 'http[0].tls'],
    ['domain = "a.test"\ntls = { certificate = "c", key = "k" }\nacme = {}', 'http[0].acme'],
    ['', 'http[0].https'],
    ['domain = "*.a.test"', 'http[0].domain'],
    ['domains = ["a.test", "127.0.0.1"]', 'http[0].domains'],
    ['domain = "a..test"', 'http[0].domain'],
    ['domain = "a.test"\nacme = { directory = "http://ca.test/" }', 'http[0].acme.directory'],
    ['domain = "a.test"\nacme = { agree = false }', 'http[0].acme.agree'],
    ['domain = "a.test"\nacme = { mail = "a@a.test" }', 'http[0].acme.mail'],
    ['domain = "a.test"\nhttp_addr = "80"', 'http[0].http_addr'],
    ['domain = "a.test"\ndriver = "uws"\nhttp2 = true', 'http[0].http2'],
  ])('%j has one problem', (text, key) => {
    expect(problemsOf(`${HTTPS}${text}`)).toEqual([key])
  })

  it.each([
    ['acme = {}', 'http[0].acme'],
    ['http_addr = ":80"', 'http[0].http_addr'],
    ['http2 = true', 'http[0].http2'],
  ])('%j needs https', (text, key) => {
    expect(problemsOf(`[[http]]\n${text}`)).toEqual([key])
  })
})

describe('acme', () => {
  it('is LetsEncrypt where https and domains are set, as in 2020, and redirects to it', () => {
    const text = `${HTTPS}domain = "lithdew.net"\ndomains = ["a.lithdew.net"]\naddr = ":3000"`
    expect(parseConfig(text).listeners).toMatchObject([
      {
        https: true,
        domains: ['lithdew.net', 'a.lithdew.net'],
        tls: [],
        acme: {
          directory: 'https://acme-v02.api.letsencrypt.org/directory',
          email: undefined,
          storage: undefined,
          ca: undefined,
        },
        redirectHttps: undefined,
      },
      {
        https: false,
        addresses: [{ host: '', port: 80 }],
        domains: [],
        acme: undefined,
        redirectHttps: 3_000,
        routes: [],
      },
    ])
  })

  it('takes every key', () => {
    const { listeners } = parseConfig(`${HTTPS}domain = "a.test"
[http.acme]
directory = "https://ca.test/dir"
email = "admin@a.test"
storage = "certificates"
ca = "ca.pem"
agree = true`)
    expect(listeners[0]?.acme).toMatchObject({
      directory: 'https://ca.test/dir',
      email: 'admin@a.test',
      storage: 'certificates',
      ca: 'ca.pem',
    })
  })

  it('redirects from port 80, unless that is somebody’s already or not wanted', () => {
    const acme = `${HTTPS}domain = "a.test"\n`
    expect(addressesOf(acme)).toEqual([':443', ':80 to 443'])
    expect(addressesOf(`${acme}http_addr = "127.0.0.1:5002"`)).toEqual([
      ':443',
      '127.0.0.1:5002 to 443',
    ])
    expect(addressesOf(`${acme}http_addr = ""`)).toEqual([':443'])
    expect(addressesOf(`${acme}[[http]]`)).toEqual([':443', ':80'])
    expect(addressesOf(`${acme}[[http]]\naddr = ":8443"\nhttps = true\ndomain = "b.test"`)).toEqual(
      [':443', ':8443', ':80 to 443'],
    )
  })

  it('redirects with certificate files where an address for it is named', () => {
    const files = `${HTTPS}tls = { certificate = "c", key = "k" }\n`
    expect(addressesOf(files)).toEqual([':443'])
    expect(addressesOf(`${files}http_addr = ":80"`)).toEqual([':443', ':80 to 443'])
    expect(problemsOf(`${files}http_addr = ":80"\n[[http]]`)).toHaveLength(1)
  })
})
