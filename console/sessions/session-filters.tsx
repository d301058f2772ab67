import { Button } from '../ui/button.tsx';
import { Field, Select } from '../ui/field.tsx';
import { GROUPS, SORTS, type SessionFilter, type StatusGroup } from './rows/session-filter.ts';

interface SessionFiltersProps {
  readonly filter: SessionFilter;
  readonly counts: Readonly<Record<StatusGroup, number>>;
  readonly onChange: (filter: SessionFilter) => void;
}

/** What the list shows: a text, a status, an order, and whether children stand below their parents. */
export function SessionFilters({ filter, counts, onChange }: SessionFiltersProps) {
  return (
    <div class="session-filters" role="search" aria-label="Sessions">
      <div class="session-filters-row">
        <Field label="Search" hideLabel>
          {(control) => (
            <input
              {...control}
              type="search"
              class="ui-input"
              placeholder="Title or id"
              autoComplete="off"
              value={filter.text}
              onInput={(event) => onChange({ ...filter, text: event.currentTarget.value })}
            />
          )}
        </Field>
        <Select
          label="Order"
          hideLabel
          value={filter.sort}
          options={SORTS}
          onChange={(sort) => onChange({ ...filter, sort })}
        />
        <Button
          icon="tree"
          pressed={filter.view === 'tree'}
          onClick={() => onChange({ ...filter, view: filter.view === 'tree' ? 'list' : 'tree' })}
        >
          Tree
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
