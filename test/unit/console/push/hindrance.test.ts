import { describe, expect, it } from 'vitest';
import { deviceName, hindranceOf } from '../../../../console/push/hindrance.ts';

const able = { isSecure: true, hasPush: true, isApplePhone: false, isInstalled: false, permission: 'default' };

describe('what keeps a browser from being notified', () => {
  it.each([
    [null, {}],
    [null, { permission: 'granted' }],
    ['denied', { permission: 'denied' }],
    ['no push', { hasPush: false }],
    ['no push', { permission: null }],
    // Over http it has none either, but that is what can be mended.
    ['not secure', { isSecure: false, hasPush: false, permission: 'denied' }],
    // Safari on an iPhone has push only for apps on the Home Screen.
    ['not installed', { isApplePhone: true, hasPush: false, permission: null }],
    [null, { isApplePhone: true, isInstalled: true }],
    ['no push', { isApplePhone: true, isInstalled: true, hasPush: false }],
  ])('is %j for %j', (hindrance, browser) => {
    expect(hindranceOf({ ...able, ...browser })).toBe(hindrance);
  });
});

describe('what a device is called', () => {
  it.each([
    ['Firefox on Android', 'Mozilla/5.0 (Android 16; Mobile; rv:146.0) Gecko/146.0 Firefox/146.0'],
    [
      'Chrome on Android',
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36',
    ],
    [
      'Edge on Windows',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0',
    ],
    [
      'Safari on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
    ],
    ['A browser', 'curl/8.0'],
  ])('is %s', (name, userAgent) => {
    expect(deviceName(userAgent)).toBe(name);
  });
});
