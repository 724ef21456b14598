/** TCP for sessions: IPv4, IPv6, host names, TCP_NODELAY. @packageDocumentation */
export { type DialOptions, dialTcp } from './dial.ts'
export { type ListenOptions, listenTcp, type TcpListener } from './listen.ts'
export { type Endpoint, TcpError, type TcpFailure } from './tcp-error.ts'
export { TcpLink } from './tcp-link.ts'
