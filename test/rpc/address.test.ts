import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import {
  checkListen,
  formatAddress,
  isLoopback,
  isUnspecified,
  parseAddress,
  peerHost,
} from '../../src/rpc/address.js';

describe('an address', () => {
  it.each([
    ['127.0.0.1:7700', '127.0.0.1', 7700],
    ['trainer.example:1', 'trainer.example', 1],
    [':7700', '127.0.0.1', 7700],
    ['[::1]:7700', '::1', 7700],
    ['[fe80::1%eth0]:65535', 'fe80::1%eth0', 65535],
    ['0.0.0.0:0', '0.0.0.0', 0],
  ])('%s is understood', (text, host, port) => {
    expect(parseAddress(text, '--listen')).toEqual({ host, port });
  });

  it.each([
    '',
    '7700',
    'host',
    'host:',
    'host:port',
    'host:-1',
    'host:65536',
    'host:123456',
    '::1:7700',
    '[::1]',
    '[]:7700',
    'a:b:1',
  ])('“%s” is refused with an example', (text) => {
    const parse = (): unknown => parseAddress(text, '--listen');
    expect(parse).toThrow(LockstepError);
    expect(parse).toThrow(`--listen ${text}: expected HOST:PORT, for example 127.0.0.1:7700`);
  });

  it('that was formatted is understood again', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        expect(parseAddress(formatAddress({ host: name, port }), '--listen')).toEqual({ host: name, port });
      }),
    );
  });
});

describe('an interface', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['::1', true],
    ['localhost', true],
    ['127.example.com', false],
    ['10.0.0.1', false],
    ['0.0.0.0', false],
    ['::', false],
    ['trainer.example', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('that stands for all of them is no address to dial', () => {
    expect(['0.0.0.0', '::', '127.0.0.1', '10.0.0.1'].map(isUnspecified)).toEqual([true, true, false, false]);
  });

  it('other than loopback is served only when told to', () => {
    expect(() => checkListen({ host: '127.0.0.1', port: 1 }, false, '--listen')).not.toThrow();
    expect(() => checkListen({ host: '0.0.0.0', port: 1 }, true, '--listen')).not.toThrow();
    const open = (): void => checkListen({ host: '::', port: 1 }, false, '--http');
    expect(open).toThrow('--http [::]:1 would serve other hosts without encryption or proof of identity');
    try {
      open();
    } catch (error) {
      expect(error).toMatchObject({ code: 'usage', exitCode: 64 });
      expect((error as LockstepError).hint).toContain('--insecure');
    }
  });
});

describe('the host of a peer', () => {
  it.each([
    ['10.0.0.7:41234', '10.0.0.7'],
    ['ipv4:10.0.0.7:41234', '10.0.0.7'],
    ['[::1]:41234', '::1'],
    ['ipv6:[fe80::2]:41234', 'fe80::2'],
    ['::1:41234', '::1'],
    ['::ffff:10.0.0.7:41234', '10.0.0.7'],
    ['[::ffff:10.0.0.7]:41234', '10.0.0.7'],
  ])('%s is %s', (peer, host) => {
    expect(peerHost(peer)).toBe(host);
  });
});
