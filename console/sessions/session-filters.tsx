import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { Menu } from '../ui/menu.tsx';
import { GROUPS, SORTS, type SessionFilter, type StatusGroup } from './rows/session-filter.ts';

interface SessionFiltersProps {
  readonly filter: SessionFilter;
  readonly counts: Readonly<Record<StatusGroup, number>>;
  readonly onChange: (filter: SessionFilter) => void;
}

/** What the list shows: a text, a status, an order, and whether children stand below their parents. */
export function SessionFilters({ filter, counts, onChange }: SessionFiltersProps) {
  const order = SORTS.find(({ value }) => value === filter.sort)?.label ?? '';
  return (
    <div class="session-filters" role="search" aria-label="Sessions">
      <div class="session-filters-row">
        <Field label="Search" hideLabel>
          {(control) => (
            <input
              {...control}
              type="search"
              class="ui-input"
              placeholder="Title, environment or id"
              autoComplete="off"
              value={filter.text}
              onInput={(event) => onChange({ ...filter, text: event.currentTarget.value })}
            />
          )}
        </Field>
        <Menu
          label={`Order: ${order}`}
          buttonClass="ui-button"
          button={
            <>
              <Icon name="sort" />
              <span class="session-filters-word">{order}</span>
            </>
          }
          items={SORTS.map(({ value, label }) => ({
            label,
            checked: filter.sort === value,
            onSelect: () => onChange({ ...filter, sort: value }),
          }))}
        />
        <Button
          icon="tree"
          pressed={filter.view === 'tree'}
          onClick={() => onChange({ ...filter, view: filter.view === 'tree' ? 'list' : 'tree' })}
        >
          <span class="session-filters-word">Tree</span>
        </Button>
      </div>
      <div class="session-groups" role="group" aria-label="Status">
        {GROUPS.map(({ value, label }) => (
          <button
            key={value}
            type="button"
            class="session-group"
            aria-pressed={filter.group === value}
            onClick={() => onChange({ ...filter, group: value })}
          >
            {label} <span class="session-group-count">{counts[value]}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
