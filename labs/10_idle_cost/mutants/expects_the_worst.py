"""Gives the dear end for what is needed: the doubt is counted twice.

caught by: test_what_is_uncertain_for_one_connection_is_so_for_each
"""
    # >>> task 5: say what ends first
    dear = cost.user.value + cost.user.half_width + cost.kernel
    descriptors_allow = int(room.descriptors // cost.descriptors)
    memory_allows = room.memory // dear if dear > 0 else math.inf
    return Forecast(
        needed=clients * dear,
        half_width=clients * cost.user.half_width,
        descriptors_allow=descriptors_allow,
        memory_allows=memory_allows,
        first=End.DESCRIPTORS if descriptors_allow <= memory_allows else End.MEMORY,
        fits=min(descriptors_allow, memory_allows) >= clients,
    )
    # <<< task 5
