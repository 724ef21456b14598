// What requests of the probes are made of.
export const H = 'Host: a\r\n'
export const get = (fields: string = H, line = 'GET /first HTTP/1.1'): string =>
  `${line}\r\n${fields}\r\n`
export const EARLIER = 'breaks the connection where a request comes before the answer to the last'
export const CLOSED =
  'llhttp takes what follows `Connection: close` for an error, before the answer is out'
