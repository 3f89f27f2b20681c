"""Counts what the process holds; what the kernel holds for it is in no figure of a process.

caught by: test_the_kernels_share_is_stacked_on_the_servers_own
"""
    # >>> task 5: say what ends first
    dear = cost.user.value + cost.user.half_width
    descriptors_allow = int(room.descriptors // cost.descriptors)
    memory_allows = room.memory // dear if dear > 0 else math.inf
    return Forecast(
        needed=clients * cost.user.value,
        half_width=clients * cost.user.half_width,
        descriptors_allow=descriptors_allow,
        memory_allows=memory_allows,
        first=End.DESCRIPTORS if descriptors_allow <= memory_allows else End.MEMORY,
        fits=min(descriptors_allow, memory_allows) >= clients,
    )
    # <<< task 5
