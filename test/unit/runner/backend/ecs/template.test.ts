import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sessionDefinition } from '../../../../support/ecs/session-definition.ts';
import { unfitDefinition } from '../../../../../runner/backend/ecs/task-definition.ts';

const TEMPLATE = new URL('../../../../../docs/ecs/tasks.yaml', import.meta.url);

test('the template’s task definition is the one that is tried: the same containers, mounts and variables', () => {
  const template = readFileSync(TEMPLATE, 'utf8');
  const { containerDefinitions, volumes = [] } = sessionDefinition();
  for (const { name } of volumes) expect(template).toContain(`- Name: ${name}\n`);
  for (const { name, user, environment = [], mountPoints = [], ulimits = [] } of containerDefinitions) {
    const [, text = ''] = template.split(`- Name: ${name}\n          Image`);
    expect(text).toContain(`User: '${user}'`);
    for (const { name: limit, softLimit, hardLimit } of ulimits)
      expect(text).toContain(`- { Name: ${limit}, SoftLimit: ${softLimit}, HardLimit: ${hardLimit} }`);
    for (const variable of environment) expect(text).toContain(`- Name: ${variable.name}\n`);
    for (const { sourceVolume, containerPath, readOnly } of mountPoints)
      expect(text).toContain(
        `{ SourceVolume: ${sourceVolume}, ContainerPath: ${containerPath}${readOnly === true ? ', ReadOnly: true' : ''} }`,
      );
  }
});

test.each([
  ['a task role', { taskRoleArn: 'arn:aws:iam::000000000000:role/any' }, /task role/],
  ['another network', { networkMode: 'bridge' as const }, /awsvpc/],
  ['a shared process namespace', { pidMode: 'task' as const }, /share processes/],
  ['no porter', { containerDefinitions: [] }, /no containers porter and session/],
])('a definition with %s is refused', (_, change, why) => {
  expect(unfitDefinition({ ...sessionDefinition(), ...change }, { capacity: [{ launchType: 'FARGATE' }] })).toMatch(
    why,
  );
});

test.each([
  ['as root', { user: '0:0' }, /as no numbered user but root/],
  ['with a root that can be written', { readonlyRootFilesystem: false }, /root .* can be written/],
  ['privileged', { privileged: true }, /privileged/],
  ['with capabilities', { linuxParameters: {} }, /capabilities/],
  ['with a run folder that can be written', { mountPoints: [] }, /run\/cc-docker/],
  ['that does not wait', { dependsOn: [] }, /HEALTHY/],
])('a session %s is refused', (_, change, why) => {
  const definition = sessionDefinition();
  const containerDefinitions = definition.containerDefinitions.map((one) =>
    one.name === 'session' ? { ...one, ...change } : one,
  );
  const capacity = [{ launchType: 'FARGATE' as const }];
  expect(unfitDefinition({ ...definition, containerDefinitions }, { capacity })).toMatch(why);
  expect(unfitDefinition(definition, { capacity })).toBeUndefined();
});
