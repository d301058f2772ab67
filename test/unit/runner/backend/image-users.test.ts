import { expect, test } from 'vitest';
import { withAgent } from '../../../../runner/backend/image-users.ts';

const IMAGE = {
  passwd:
    'root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/zsh\npostgres:x:70:70::/var/lib/pg:/bin/sh\n',
  group: 'root:x:0:\nnode:x:1000:\n',
};

test('a number that no user of the image has becomes the user agent, and all others stay', () => {
  expect(withAgent(IMAGE, { uid: 1001, gid: 118 })).toEqual({
    passwd: `${IMAGE.passwd}agent:x:1001:118:agent:/home/agent:/bin/bash\n`,
    group: `${IMAGE.group}agent:x:118:\n`,
  });
});

test('a number that a user of the image has is that of agent first, with that user’s shell, and the other name stays', () => {
  const { passwd, group } = withAgent(IMAGE, { uid: 1000, gid: 1000 });
  expect(passwd.split('\n').slice(1, 3)).toEqual([
    'agent:x:1000:1000:agent:/home/agent:/bin/zsh',
    'node:x:1000:1000::/home/node:/bin/zsh',
  ]);
  expect(group).toBe('root:x:0:\nagent:x:1000:\nnode:x:1000:\n');
});

test('an image’s own user agent gives way', () => {
  const passwd = 'root:x:0:0::/root:\nagent:x:5:5::/:/bin/false\n';
  expect(withAgent({ passwd, group: '' }, { uid: 501, gid: 20 })).toEqual({
    passwd: 'root:x:0:0::/root:\nagent:x:501:20:agent:/home/agent:/bin/sh\n',
    group: 'agent:x:20:\n',
  });
});
