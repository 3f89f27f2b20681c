"""Names memory when both end at once, though accept() fails before any memory is asked for.

caught by: test_the_first_end_is_the_nearer_one
"""
    # >>> task 5: say what ends first
    dear = cost.user.value + cost.user.half_width + cost.kernel
    descriptors_allow = int(room.descriptors // cost.descriptors)
    memory_allows = room.memory // dear if dear > 0 else math.inf
    return Forecast(
        needed=clients * (cost.user.value + cost.kernel),
        half_width=clients * cost.user.half_width,
        descriptors_allow=descriptors_allow,
        memory_allows=memory_allows,
        first=End.DESCRIPTORS if descriptors_allow < memory_allows else End.MEMORY,
        fits=min(descriptors_allow, memory_allows) >= clients,
    )
    # <<< task 5
