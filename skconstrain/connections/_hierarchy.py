"""A hierarchy of units above inputs: what is reached, what is kept, on which level it stands.

A hierarchy is a dict from each unit to the set of its children: the units or inputs that feed it.
"""

from graphlib import CycleError, TopologicalSorter


def reached(pairs, inputs):
    """Return the hierarchy of the units that inputs feed, through any number of others.

    Parameters
    ----------
    pairs : iterable of (parent, child)
        Edges; each counts once.
    inputs : iterable of str
        Names that are fed by nothing.

    Returns
    -------
    dict of set
        Children of each unit, without those that no input feeds.
    """
    parents_of = {}
    for parent, child in pairs:
        parents_of.setdefault(child, set()).add(parent)
    children_of, waiting, seen = {}, list(inputs), set(inputs)
    while waiting:
        child = waiting.pop()
        for parent in parents_of.get(child, ()):
            children_of.setdefault(parent, set()).add(child)
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return children_of


def upwards(children_of):
    """Return all names, children before their parents.

    Raises
    ------
    ValueError
        If there is a cycle.
    """
    # Sorted, so that the same cycle is named every time.
    graph = {unit: sorted(children_of[unit]) for unit in sorted(children_of)}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(map(repr, error.args[1]))
        raise ValueError(
            f"edges must not lead back to where they start. Got the cycle {cycle} (each feeds the "
            "next). Drop one of its edges."
        ) from None


def heights(children_of):
    """Return the length of the longest way from an input to each name, 0 for inputs."""
    height = {}
    for name in upwards(children_of):
        height[name] = 1 + max((height[child] for child in children_of.get(name, ())), default=-1)
    return height


def keep_lowest(children_of, n_levels):
    """Return the hierarchy of the units at most `n_levels` above the inputs."""
    height = heights(children_of)
    return {unit: fed for unit, fed in children_of.items() if height[unit] <= n_levels}


def keep_highest(children_of, n_levels):
    """Return the hierarchy of the units less than `n_levels` below the roots.

    What feeds a unit that is left out feeds the parents of that unit.
    """
    order, depth = upwards(children_of), {}
    for unit in reversed(order):
        for child in children_of.get(unit, ()):
            depth[child] = max(depth.get(child, 0), depth.get(unit, 0) + 1)
    kept, passed_on = {}, {}
    for unit in order:
        if unit not in children_of:
            continue
        fed = set()
        for child in children_of[unit]:
            fed |= passed_on.get(child, {child})
        is_kept = depth.get(unit, 0) < n_levels
        # All that feeds a unit that is left out are inputs: its own children are left out too.
        (kept if is_kept else passed_on)[unit] = fed
    return kept


def layers(children_of):
    """Arrange a hierarchy in levels, of which each feeds the next.

    A unit stands on the level of its height. Above it stand copies of it, one on each level, up
    to the one below its highest parent; and up to the last level for a unit without parents.

    Parameters
    ----------
    children_of : dict of set
        The hierarchy.

    Returns
    -------
    levels : list of list of str
        Names on each level, sorted, from the inputs on.
    connections : list of list of (str, str)
        Pairs (name on the level below, name on the level) for each level above the inputs.
    """
    height = heights(children_of)
    n_levels = max(height.values())
    end = {}
    for unit, children in children_of.items():
        for child in children:
            end[child] = max(end.get(child, 0), height[unit] - 1)
    levels = [[] for _ in range(n_levels + 1)]
    connections = [[] for _ in range(n_levels)]
    for name in sorted(height):
        start = height[name]
        for level in range(start, end.get(name, n_levels) + 1):
            levels[level].append(name)
            feeding = sorted(children_of.get(name, ())) if level == start else [name]
            if level > 0:
                connections[level - 1] += [(child, name) for child in feeding]
    return levels, connections
