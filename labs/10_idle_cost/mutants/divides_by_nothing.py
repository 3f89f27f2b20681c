"""Divides by the cost, whatever it is: nothing, or less than nothing.

caught by: test_a_connection_that_seems_to_cost_nothing_may_come_as_often_as_it_likes
"""
    # >>> task 5: say what ends first
    dear = cost.user.value + cost.user.half_width + cost.kernel
    descriptors_allow = int(room.descriptors // cost.descriptors)
    memory_allows = room.memory // dear
    return Forecast(
        needed=clients * (cost.user.value + cost.kernel),
        half_width=clients * cost.user.half_width,
        descriptors_allow=descriptors_allow,
        memory_allows=memory_allows,
        first=End.DESCRIPTORS if descriptors_allow <= memory_allows else End.MEMORY,
        fits=min(descriptors_allow, memory_allows) >= clients,
    )
    # <<< task 5
