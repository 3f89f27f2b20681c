"""Asks whether the memory suffices, as the article does.

caught by: test_clients_fit_only_when_there_is_room_of_both_kinds_for_the_last_of_them
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
        first=End.DESCRIPTORS if descriptors_allow <= memory_allows else End.MEMORY,
        fits=memory_allows >= clients,
    )
    # <<< task 5
