import { expect, it } from 'vitest';
import { SWAGGER_UI } from '../../../../functions/web/docs-page.ts';
import project from '../../../../package.json' with { type: 'json' };

it('names the version of Swagger UI that is installed: browsers keep what they have had of another', () => {
  expect(SWAGGER_UI).toBe(project.dependencies['swagger-ui-dist']);
});
